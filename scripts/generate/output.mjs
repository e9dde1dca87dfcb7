/** @file Writes the clip: first under another name beside it, so that a broken run leaves no broken file. */
import { mkdirSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { UsageError } from '../command-line.mjs';

const FRAME = /^frame-\d+\.png$/;

/**
 * Refuses early what could not be written at the end.
 * @param {{ path: string, container: string }} output
 */
export function checkOutput({ path, container }) {
  if (container !== 'png') return;
  const info = statSync(path, { throwIfNoEntry: false });
  if (info && !info.isDirectory()) {
    throw new UsageError(
      `--out: ${path} is a file.`,
      'Give a folder’s name, or .mp4, .webm, .gif.',
    );
  }
  if (info && readdirSync(path).some((name) => !FRAME.test(name))) {
    throw new UsageError(
      `--out: the folder ${path} holds other files than frames.`,
      'Give the name of a new or empty folder.',
    );
  }
}

/**
 * @param {{ path: string, container: string }} output
 * @param {number} count
 * @param {(index: number) => Promise<Uint8Array>} read
 * @returns {Promise<number>} Bytes written.
 */
export async function writeOutput({ path, container }, count, read) {
  const temporary = `${path}.${process.pid}.part`;
  mkdirSync(dirname(path), { recursive: true });
  let bytes = 0;
  try {
    if (container === 'png') {
      mkdirSync(temporary);
      for (let index = 0; index < count; index++) {
        const data = await read(index);
        writeFileSync(join(temporary, `frame-${String(index).padStart(4, '0')}.png`), data);
        bytes += data.byteLength;
      }
      rmSync(path, { recursive: true, force: true });
    } else {
      const data = await read(0);
      writeFileSync(temporary, data);
      bytes = data.byteLength;
    }
    renameSync(temporary, path);
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
  return bytes;
}

/**
 * @param {string} path
 * @param {unknown} value
 */
export function writeJson(path, value) {
  const temporary = `${path}.${process.pid}.part`;
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(temporary, `${JSON.stringify(value, undefined, 2)}\n`);
  renameSync(temporary, path);
}
