/** @file Large files are hashed in a worker: the same hashes, in any pieces. */
import { expect, test } from 'vitest';
import { sha256 } from '../store/sha256.ts';
import { contentHash } from './content-hash.ts';
import { RemoteHash } from './remote-hash.ts';

const SIZE = 40 * 1024 * 1024;
const SOME = `sha256:${'0'.repeat(64)}`;

function content(seed: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(SIZE);
  for (let i = 0; i < SIZE; i++) bytes[i] = Math.imul(i + seed, 2_654_435_761) >>> 24;
  return bytes;
}

test('two large files that are hashed in turn have the hashes that Web Crypto gives', async () => {
  const files = [content(1), content(2)];
  const hashes = await Promise.all(files.map(() => contentHash(SOME, SIZE)));
  expect(hashes.every((hash) => hash instanceof RemoteHash)).toBe(true);
  const step = 3_000_001;
  for (let at = 0; at < SIZE; at += step) {
    for (const [i, hash] of hashes.entries()) {
      const piece = files[i]?.slice(at, at + step) ?? new Uint8Array();
      await hash?.update(piece);
      // What was handed over may be changed at once.
      piece.fill(0);
    }
  }
  const marks = await Promise.all(hashes.map(async (hash) => hash?.mark()));
  const expected = await Promise.all(files.map(async (file) => `sha256:${await sha256(file)}`));
  expect(marks).toEqual(expected);
});

test('a hash that is given up leaves the others as they are', async () => {
  const file = content(3);
  const [left, kept] = await Promise.all([contentHash(SOME, SIZE), contentHash(SOME, SIZE)]);
  await left?.update(file.subarray(0, 1000));
  left?.close();
  await left?.update(file);
  await kept?.update(file);
  expect(await kept?.mark()).toBe(`sha256:${await sha256(file)}`);
});

test('a small file is hashed on the spot', async () => {
  expect(await contentHash(SOME, 1000)).not.toBeInstanceOf(RemoteHash);
  expect(await contentHash('"etag" 1000', 1000)).toBeUndefined();
});
