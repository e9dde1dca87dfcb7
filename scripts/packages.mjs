/**
 * @file Installs the npm packages when some are missing. Runs before `node_modules` exists, so it uses Node alone.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** @typedef {Record<string, { version?: string, optional?: boolean }>} LockedPackages */

/**
 * @param {string} path
 * @returns {LockedPackages}
 */
function lockedPackages(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8')).packages;
  } catch {
    return {};
  }
}

/**
 * Whether each package of the lock file is installed in its version. npm keeps its own account of what it installed,
 * so nothing has to be resolved; optional packages are those of other platforms.
 */
function isInstalled() {
  const wanted = lockedPackages(join(ROOT, 'package-lock.json'));
  const present = lockedPackages(join(ROOT, 'node_modules', '.package-lock.json'));
  return Object.entries(wanted).every(
    ([path, { version, optional }]) =>
      path === '' || optional === true || present[path]?.version === version,
  );
}

/** Installs what the lock file names unless it is there already. Ends the process when npm fails. */
export function ensurePackages() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major < 20 || (major === 20 && minor < 19)) {
    console.error(`Node ${process.versions.node} is too old: Zoetrope needs 20.19 or newer.`);
    process.exit(1);
  }
  if (isInstalled()) return;
  console.log('Installing npm packages (once) …');
  // `npm ci` wants every other platform's packages in the lock file too. Where some are not, `npm install` follows the
  // lock file for the rest; `--no-save` leaves the file as it is.
  const quiet = ['--no-audit', '--no-fund', '--loglevel=error'];
  if (npm(['ci', ...quiet], 'pipe').status === 0) return;
  const { status, error } = npm(['install', '--no-save', ...quiet], 'inherit');
  if (status === 0) return;
  console.error(`The packages could not be installed${error ? `: ${error.message}` : ''}.`);
  process.exit(1);
}

/**
 * @param {string[]} args
 * @param {'inherit' | 'pipe'} stdio
 */
function npm(args, stdio) {
  // On Windows npm is a command script, which only a shell can start.
  return spawnSync('npm', args, {
    cwd: ROOT,
    stdio,
    shell: process.platform === 'win32',
  });
}
