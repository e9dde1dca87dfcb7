/** @file Builds the page when the build is missing or older than what it is made from. */
import { spawnSync } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './packages.mjs';

export const DIST = join(ROOT, 'dist');

const SOURCES = [
  'src',
  'public',
  'models',
  'index.html',
  'vite.config.ts',
  'scripts/page-policy.mjs',
  'package-lock.json',
];

/** Files of the sources that do not reach the build. */
const IGNORED = /\.test\.ts$|[/\\](training|parity)[/\\]|\.md$|\.py$/;

/**
 * When the file, or the newest file in the folder, was last changed; 0 if it does not exist.
 * @param {string} path
 */
function lastChange(path) {
  const info = statSync(path, { throwIfNoEntry: false });
  if (!info?.isDirectory()) return info?.mtimeMs ?? 0;
  let newest = 0;
  for (const entry of readdirSync(path, { recursive: true, withFileTypes: true })) {
    const file = join(entry.parentPath, entry.name);
    if (entry.isFile() && !IGNORED.test(file)) newest = Math.max(newest, statSync(file).mtimeMs);
  }
  return newest;
}

/** @returns {boolean} Whether there is an up-to-date build now. */
export function ensureBuild() {
  const built = lastChange(join(DIST, 'index.html'));
  if (built > 0 && SOURCES.every((source) => lastChange(join(ROOT, source)) <= built)) return true;
  console.error('Building the page …');
  const vite = join(ROOT, 'node_modules/vite/bin/vite.js');
  const { status } = spawnSync(process.execPath, [vite, 'build', '--logLevel', 'warn'], {
    cwd: ROOT,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  return status === 0;
}
