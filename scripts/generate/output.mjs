/** @file Writes what was made under a name beside it, and gives it its own name once it is whole. */
import {
  existsSync,
  mkdirSync,
  readdirSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, extname, join } from 'node:path';
import { stringifyExact } from '../../src/exact-json.mjs';

/** A clip or a report could not be written. */
export class OutputError extends Error {
  /**
   * @param {string} message
   * @param {string} hint
   */
  constructor(message, hint) {
    super(message);
    this.hint = hint;
  }
}

/** Names of frames as this command numbers them. */
export const FRAME = /^frame-(\d{4,})\.png$/;

/** @param {number} index */
function frameName(index) {
  return `frame-${String(index).padStart(4, '0')}.png`;
}

/** The name under which a file or folder is written first. @param {string} path */
export function temporaryFor(path) {
  return `${path}.${process.pid}.part`;
}

/** The same for the frames that go into a folder that is there. @param {string} folder */
export function temporaryIn(folder) {
  return join(folder, `.${process.pid}.part`);
}

/**
 * @param {object} output
 * @param {string} output.path
 * @param {string} output.typed
 * @param {string} output.container
 * @param {boolean} output.replaces Whether what has that name may be replaced.
 * @param {number} count
 * @param {(index: number) => Promise<Uint8Array>} read
 * @returns {Promise<{ bytes: number, name: string }>} Bytes written, and the last part of the path they have: another one
 *   than wished if something else took that meanwhile.
 * @throws {OutputError}
 */
export async function writeOutput({ path, typed, container, replaces }, count, read) {
  let bytes = 0;
  // Through a link: what it points to is replaced, and the link stays.
  const target = existsSync(path) ? realpathSync(path) : path;
  const isFrames = container === 'png';
  const isInside = isFrames && existsSync(target);
  const temporary = isInside ? temporaryIn(target) : temporaryFor(target);
  return writing(typed, temporary, async () => {
    mkdirSync(dirname(target), { recursive: true });
    if (isFrames) mkdirSync(temporary);
    for (let index = 0; index < count; index++) {
      const data = await read(index);
      writeFileSync(isFrames ? join(temporary, frameName(index)) : temporary, data);
      bytes += data.byteLength;
    }
    const isTaken = existsSync(target) && !(isFrames && readdirSync(target).every(isOwnPart));
    if (isTaken && !replaces) {
      const free = freeName(target);
      renameSync(temporary, free);
      return { bytes, name: basename(free) };
    }
    if (isInside) moveFrames(temporary, target, count);
    else renameSync(temporary, target);
    return { bytes, name: basename(path) };
  });
}

/** @param {string} name */
function isOwnPart(name) {
  return /^\.\d+\.part$/.test(name);
}

/**
 * Each frame replaces its namesake. Frames of a longer clip go, and all other files stay.
 * @param {string} from
 * @param {string} folder
 * @param {number} count
 */
function moveFrames(from, folder, count) {
  for (let index = 0; index < count; index++) {
    renameSync(join(from, frameName(index)), join(folder, frameName(index)));
  }
  for (const name of readdirSync(folder)) {
    const [, number] = FRAME.exec(name) ?? [];
    if (number === undefined || Number(number) < count) continue;
    if (name === frameName(Number(number))) rmSync(join(folder, name));
  }
}

/** `clip-2.mp4` beside `clip.mp4`. @param {string} path */
function freeName(path) {
  const extension = extname(path);
  const stem = path.slice(0, path.length - extension.length);
  for (let number = 2; ; number++) {
    const name = `${stem}-${number}${extension}`;
    if (!existsSync(name)) return name;
  }
}

/**
 * @param {{ path: string, typed: string }} place
 * @param {unknown} value
 * @throws {OutputError}
 */
export async function writeJson({ path, typed }, value) {
  const target = existsSync(path) ? realpathSync(path) : path;
  const temporary = temporaryFor(target);
  await writing(typed, temporary, async () => {
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(temporary, `${stringifyExact(value, 2)}\n`);
    renameSync(temporary, target);
  });
}

/**
 * @template T
 * @param {string} typed What is written, for messages.
 * @param {string} temporary Gone at the end.
 * @param {() => Promise<T>} write
 * @returns {Promise<T>}
 */
async function writing(typed, temporary, write) {
  try {
    return await write();
  } catch (error) {
    const { code, syscall } = /** @type {NodeJS.ErrnoException} */ (Object(error));
    if (syscall === undefined) throw error;
    const isFull = code === 'ENOSPC' || code === 'EDQUOT';
    throw new OutputError(
      `${typed} could not be written: ${isFull ? 'the disk is full' : `the system says ${code}`}.`,
      isFull
        ? 'Free some space, or write to another disk. Nothing was left under that name.'
        : 'Nothing was left under that name: check the place, and that the disk is still there.',
    );
  } finally {
    try {
      rmSync(temporary, { recursive: true, force: true });
    } catch {
      // Where it was to be is gone, or no folder: the error is reported already.
    }
  }
}
