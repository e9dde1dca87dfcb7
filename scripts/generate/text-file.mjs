/** @file A text file as editors write it: UTF-8 with or without a byte order mark, or UTF-16 with one. */
import { readFileSync, statSync } from 'node:fs';

/** What is wrong with a file, in words that follow its name. */
export class TextProblem extends Error {}

const REASONS = /** @type {Record<string, string>} */ ({
  ENOENT: 'does not exist',
  EISDIR: 'is a folder',
  EACCES: 'may not be read',
  EPERM: 'may not be read',
});

const ENCODINGS = /** @type {const} */ ([
  ['utf-16le', [0xff, 0xfe]],
  ['utf-16be', [0xfe, 0xff]],
]);

/**
 * @param {string} path
 * @returns {string} Without a byte order mark.
 * @throws {TextProblem}
 */
export function readTextFile(path) {
  const bytes = readBytes(path);
  const [encoding = 'utf-8'] =
    ENCODINGS.find(([, mark]) => mark.every((byte, index) => bytes[index] === byte)) ?? [];
  const text = new TextDecoder(encoding).decode(bytes);
  const at = text.search(/[\0\uFFFD]/);
  if (at === -1) return text;
  const { line } = positionOf(text, at);
  throw new TextProblem(
    text[at] === '\0'
      ? 'is not a text file'
      : `has bytes in line ${line} that are not ${encoding.toUpperCase()}: save it as UTF-8`,
  );
}

/** @param {string} path */
function readBytes(path) {
  try {
    // Some never end.
    if (statSync(path).isCharacterDevice()) throw new TextProblem('is a device, not a text file');
    return readFileSync(path);
  } catch (error) {
    if (error instanceof TextProblem) throw error;
    const { code = '' } = /** @type {NodeJS.ErrnoException} */ (error);
    const reason = REASONS[code];
    throw new TextProblem(
      reason === undefined ? `cannot be read (${code})` : `cannot be read: it ${reason}`,
    );
  }
}

/**
 * Line and column, counted from 1.
 * @param {string} text
 * @param {number} offset
 */
export function positionOf(text, offset) {
  const before = text.slice(0, offset).split(/\r\n|\n|\r/);
  return { line: before.length, column: (before.at(-1)?.length ?? 0) + 1 };
}
