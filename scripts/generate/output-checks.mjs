/**
 * @file Whether a run may write where it is to write, found before the run: nothing that the command did not make is
 * replaced, no two things have one place, and each place can be written to.
 */
import {
  closeSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  realpathSync,
  rmdirSync,
  rmSync,
} from 'node:fs';
import { basename, dirname, join, relative, sep } from 'node:path';
import { UsageError } from '../command-line.mjs';
import { statOf } from '../places.mjs';
import { FRAME, temporaryFor, temporaryIn } from './output.mjs';

/**
 * @typedef {import('./arguments.mjs').TypedPath} TypedPath
 *
 * @typedef {object} Target
 * @property {string} flag
 * @property {string} path
 * @property {string} typed
 * @property {boolean} isFolder Whether a folder is made there.
 * @property {boolean} mayReplace Whether what is there already may be replaced or added to.
 */

const SYSTEM_REASONS = /** @type {Record<string, string>} */ ({
  ENOENT: 'no folder can be made there',
  EACCES: 'this account may not write there',
  EPERM: 'this account may not write there',
  EROFS: 'that file system is read-only',
  ENOTDIR: 'a part of the path is a file, not a folder',
  EEXIST: 'a part of the path is a file, not a folder',
  ENAMETOOLONG: 'the name is too long',
  ELOOP: 'its links go round in a circle',
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk is full',
});

/**
 * @param {readonly Target[]} targets
 * @param {readonly { flag: string, path: string, typed: string }[]} inputs Files that the run reads.
 * @throws {UsageError}
 */
export function checkTargets(targets, inputs) {
  for (const target of targets) {
    for (const input of inputs) {
      if (isSamePlace(target.path, input.path)) {
        throw new UsageError(
          `${target.flag}: ${target.typed} is what ${input.flag} reads.`,
          `Give ${target.flag} another name.`,
        );
      }
    }
  }
  for (const [index, one] of targets.entries()) {
    for (const other of targets.slice(index + 1)) checkApart(one, other);
  }
  for (const target of targets) checkFree(target);
  tryToWrite(targets);
}

/**
 * @param {Target} one
 * @param {Target} other
 */
function checkApart(one, other) {
  if (isSamePlace(one.path, other.path)) throw samePlace(one, other);
  for (const [outer, inner] of [
    [one, other],
    [other, one],
  ]) {
    if (outer && inner && !outer.isFolder && isInside(outer.path, inner.path)) {
      throw new UsageError(
        `${inner.flag}: ${inner.typed} is inside ${outer.typed}, which ${outer.flag} makes a file.`,
        'Give them places of their own.',
      );
    }
    if (outer && inner && outer.isFolder && isInside(outer.path, inner.path)) {
      const [first = ''] = relative(canonical(outer.path), canonical(inner.path)).split(sep);
      if (!FRAME.test(first.toLowerCase())) continue;
      throw new UsageError(
        `${inner.flag}: ${inner.typed} has the name of a frame in ${outer.typed}.`,
        `Give ${inner.flag} another name.`,
      );
    }
  }
}

/**
 * @param {Target} one
 * @param {Target} other
 */
function samePlace(one, other) {
  return new UsageError(
    `${one.flag} and ${other.flag} are the same place: ${other.typed}.`,
    'Give them names of their own.',
  );
}

/** @param {Target} target */
function checkFree({ flag, path, typed, isFolder, mayReplace }) {
  const found = statOf(path);
  if (!found) {
    if (isLink(path)) {
      throw new UsageError(
        `${flag}: ${typed} is a link to something that does not exist.`,
        'Remove the link, or give another name.',
      );
    }
    return;
  }
  if (isFolder) {
    if (!found.isDirectory()) {
      throw new UsageError(
        `${flag}: ${typed} is a file.`,
        'Give a folder’s name, or .mp4, .webm, .gif.',
      );
    }
    if (mayReplace || readNames(flag, path, typed).length === 0) return;
    throw new UsageError(
      `${flag}: the folder ${typed} is not empty.`,
      'Give the name of a new or empty folder, or --force to put frames into this one: they replace frames of the same names, and all else stays.',
    );
  }
  if (found.isDirectory()) {
    throw new UsageError(`${flag}: ${typed} is a folder.`, 'Give the name of a file.');
  }
  if (!found.isFile()) {
    throw new UsageError(`${flag}: ${typed} is a device, not a file.`, 'Give the name of a file.');
  }
  if (mayReplace) return;
  throw new UsageError(
    `${flag}: ${typed} exists already.`,
    'Give another name, or --force to replace it.',
  );
}

/**
 * @param {string} flag
 * @param {string} path A folder.
 * @param {string} typed
 * @throws {UsageError}
 */
export function readNames(flag, path, typed) {
  try {
    return readdirSync(path);
  } catch (error) {
    throw unwritable(flag, typed, error);
  }
}

/**
 * Makes and removes what a run would begin with: only trying shows what the system allows, and which names it takes for
 * one, as where capital letters do not count.
 * @param {readonly Target[]} targets
 */
function tryToWrite(targets) {
  /** @type {string[]} */
  const made = [];
  /** @type {(string | undefined)[]} */
  const folders = [];
  try {
    for (const [index, target] of targets.entries()) {
      const { flag, path, typed, isFolder } = target;
      try {
        folders.push(mkdirSync(dirname(path), { recursive: true }));
        const existing = statOf(path);
        if (existing && existing.isDirectory() !== isFolder) throw samePlace(target, other(index));
        const real = existing ? realpathSync(path) : path;
        const probe = isFolder && existing ? temporaryIn(real) : temporaryFor(real);
        if (isFolder) mkdirSync(probe);
        else closeSync(openSync(probe, 'wx'));
        made.push(probe);
      } catch (error) {
        if (error instanceof UsageError) throw error;
        const { code, path: at } = /** @type {NodeJS.ErrnoException} */ (error);
        if (code === 'EEXIST' && at?.endsWith('.part')) throw samePlace(other(index), target);
        throw unwritable(flag, typed, error);
      }
    }
  } finally {
    for (const path of made) rmSync(path, { recursive: true, force: true });
    for (const [index, first] of folders.entries()) {
      if (first !== undefined) removeEmpty(dirname(targets[index]?.path ?? first), first);
    }
  }

  /** @param {number} index */
  function other(index) {
    return /** @type {Target} */ (targets[index === 0 ? targets.length - 1 : 0]);
  }
}

/**
 * Removes a folder and those that it is in, up to `first`, as long as they are empty.
 * @param {string} folder
 * @param {string} first
 */
function removeEmpty(folder, first) {
  try {
    for (let at = folder; at.length >= first.length; at = dirname(at)) rmdirSync(at);
  } catch {
    // Something else has come into it: it stays.
  }
}

/**
 * @param {string} flag
 * @param {string} typed
 * @param {unknown} error
 */
function unwritable(flag, typed, error) {
  const { code = '', message } = /** @type {NodeJS.ErrnoException} */ (error);
  const reason = SYSTEM_REASONS[code] ?? (code === '' ? message : `the system says ${code}`);
  return new UsageError(
    `${flag}: ${typed} cannot be written: ${reason}.`,
    'Give a place that can be written to.',
  );
}

/** @param {string} path */
function isLink(path) {
  try {
    return lstatSync(path).isSymbolicLink();
  } catch {
    return false;
  }
}

/**
 * Whether two paths are one file or folder, there already or not yet.
 * @param {string} one
 * @param {string} other
 */
export function isSamePlace(one, other) {
  const [first, second] = [statOf(one), statOf(other)];
  if (first && second) return first.dev === second.dev && first.ino === second.ino;
  return canonical(one) === canonical(other);
}

/**
 * @param {string} folder
 * @param {string} path
 */
export function isInside(folder, path) {
  const way = relative(canonical(folder), canonical(path));
  return way !== '' && way !== '..' && !way.startsWith(`..${sep}`) && way !== canonical(path);
}

/** The path without links, as far as it exists. @param {string} path */
export function canonical(path) {
  /** @type {string[]} */
  const rest = [];
  for (let at = path; ; at = dirname(at)) {
    try {
      return join(realpathSync.native(at), ...rest);
    } catch {
      if (dirname(at) === at) return path;
      rest.unshift(basename(at));
    }
  }
}
