/** @file Which files earlier runs of this command have made: those may be replaced, and no others. */
import { closeSync, openSync, readdirSync, readFileSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { parseExact } from '../../src/exact-json.mjs';
import { FRAME } from './output.mjs';

/** Every clip says of itself what it was made with, and begins so. */
const MARK = '{"software":"Zoetrope"';
/** ffmpeg keeps the marks of a file that it changes, and adds its own. */
const CHANGED = 'Lavf';

/** Containers have their tags at one of their ends. */
const END_BYTES = 4 * 1024 * 1024;

/** Files that systems put into every folder. */
const SYSTEM_FILES = ['.DS_Store', 'Thumbs.db', 'desktop.ini'];

/** @param {string} path A file. */
export function isOwnClip(path) {
  const ends = readEnds(path);
  return ends.includes(MARK) && !ends.includes(CHANGED);
}

/**
 * Whether a folder has frames of this command and nothing else.
 * @param {string} path
 * @param {string | undefined} report The path of the run's report, which may be there too.
 */
export function isOwnFrames(path, report) {
  try {
    return readdirSync(path)
      .filter((name) => !SYSTEM_FILES.includes(name) && join(path, name) !== report)
      .every((name) => FRAME.test(name) && isOwnClip(join(path, name)));
  } catch {
    return false;
  }
}

/** @param {string} path A file. */
export function isOwnReport(path) {
  try {
    if (!statSync(path).isFile()) return false;
    const report = parseExact(readFileSync(path, 'utf8'));
    const names = ['request', 'parameters', 'device', 'seconds', 'memory', 'output'];
    return (
      typeof report === 'object' &&
      report !== null &&
      names.every((name) => Object.hasOwn(report, name))
    );
  } catch {
    return false;
  }
}

/** The first and the last bytes of a file. @param {string} path */
function readEnds(path) {
  try {
    const info = statSync(path);
    // A pipe would be waited for.
    if (!info.isFile()) return Buffer.alloc(0);
    const { size } = info;
    const file = openSync(path, 'r');
    try {
      const starts = size > END_BYTES ? [0, size - END_BYTES] : [0];
      return Buffer.concat(
        starts.map((start) => {
          const bytes = Buffer.alloc(Math.min(END_BYTES, size));
          return bytes.subarray(0, readSync(file, bytes, 0, bytes.length, start));
        }),
      );
    } finally {
      closeSync(file);
    }
  } catch {
    return Buffer.alloc(0);
  }
}
