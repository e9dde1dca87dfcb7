/** @file Paths as people type them: with `~`, as file:// addresses, or as another system writes them. */
import { statSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { shownTyped, UsageError } from './command-line.mjs';

/**
 * The absolute path of a place on this machine.
 * @param {string} flag For messages.
 * @param {string} typed
 * @throws {UsageError} For what names no place on this machine.
 */
export function pathOf(flag, typed) {
  if (/^[a-z]:[/\\]/i.test(typed) && process.platform !== 'win32') {
    throw new UsageError(
      `--${flag}: ${typed} is a Windows path, and this is not Windows.`,
      'Give the path that the file has here; WSL has C:\\ under /mnt/c/.',
    );
  }
  if (typed.includes('\0')) {
    throw new UsageError(`--${flag}: no file has NUL in its name.`, 'Give a path.');
  }
  if (/^file:/i.test(typed)) {
    try {
      return fileURLToPath(typed);
    } catch {
      throw new UsageError(
        `--${flag}: ${typed} is not the address of a file here.`,
        'Give a path.',
      );
    }
  }
  if (/^[a-z][a-z\d+.-]*:\/\//i.test(typed)) {
    throw new UsageError(
      `--${flag}: ${shownTyped(typed)} is an address, not a place on this machine.`,
      'Give a path.',
    );
  }
  // Shells leave ~ alone inside quotes and after =.
  if (/^~(?:[/\\]|$)/.test(typed)) return join(homedir(), typed.slice(1));
  return resolve(typed);
}

/** Whether a person means a path, and no repository of the hub. @param {string} text */
export function looksLikePath(text) {
  return /^(?:\.{0,2}[/\\]|~|file:|[a-z]:[/\\]|\.{1,2}$)/i.test(text) || text.includes('\\');
}

/** What is at a path; undefined if nothing is, or nothing can be. @param {string} path */
export function statOf(path) {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    // A name that is too long, a loop of links, a folder that may not be entered.
    return undefined;
  }
}
