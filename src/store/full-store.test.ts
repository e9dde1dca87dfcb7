/** @file Writes that find no room, in a store on a folder: what they say, and that they leave nothing behind. */
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { freshFolderPath } from '../testing/folder-place.ts';
import { openFullBackend } from '../testing/full-backend.ts';
import { CheckpointStore } from './checkpoint-store.ts';
import { FolderBackend } from './folder-backend.ts';
import { HeldChunks } from './held-chunks.ts';
import { sha256 } from './sha256.ts';

let place: Awaited<ReturnType<typeof freshFolderPath>>;

beforeEach(async () => {
  place = await freshFolderPath();
});

afterEach(() => place[Symbol.asyncDispose]());

async function fullStore(usedBytes: number, freeBytes: number): Promise<CheckpointStore> {
  const estimate = () => Promise.resolve({ usedBytes, freeBytes });
  return new CheckpointStore(await openFullBackend(place.folder, { left: 2000 }), { estimate });
}

test('a write without room says what is used, and never what an estimate calls free', async () => {
  const store = await fullStore(3e6, 10.7e9);
  await expect(store.put(new Uint8Array(5000))).rejects.toMatchObject({
    code: 'storage-full',
    message: 'The storage, which holds 3.0 MB, has no room for 5.0 kB more.',
    hint: expect.stringContaining('Delete a stored model or free disk space'),
  });
  expect(await store.collectGarbage()).toBe(0);
});

test('a page that may store next to nothing hears that it may be in a private window', async () => {
  const store = await fullStore(0, 1000);
  await expect(store.put(new Uint8Array(5000))).rejects.toMatchObject({
    code: 'storage-full',
    hint: expect.stringContaining('private window'),
  });
});

test('a chunk whose record could not be written is removed', async () => {
  const backend = await FolderBackend.open(place.folder);
  const path = join(place.folder, 'checkpoints', 'x.json');
  await mkdir(path);
  await writeFile(join(path, 'in the way'), '');
  const bytes = Uint8Array.of(1, 2, 3);
  const chunk = { hash: await sha256(bytes), bytes };
  const record = {
    id: 'x',
    source: 's',
    revision: 'r',
    format: 'q8',
    chunkBytes: 16,
    state: 'importing',
    createdAt: 1,
    lastUsedAt: 1,
    totalBytes: 3,
    chunks: [{ hash: chunk.hash, byteLength: 3 }],
    tensors: new Map(),
    metadata: null,
    version: 1,
  } as const;
  await expect(backend.commit(record, chunk)).rejects.toMatchObject({
    code: 'storage-unavailable',
  });
  expect(await readdir(join(place.folder, 'chunks'))).toEqual([]);
});

test('chunks are held in memory up to a limit, and only the right ones', async () => {
  const store = await fullStore(3e6, 10.7e9);
  const held = new HeldChunks(store, 8000);
  const first = new Uint8Array(5000).fill(1);
  const second = new Uint8Array(5000).fill(2);
  const hash = await sha256(first);
  expect(await held.repair(hash, first)).toBe(false);
  expect(await held.read(hash, 4998, 5000)).toEqual(Uint8Array.of(1, 1));
  await expect(held.repair(hash, second)).rejects.toMatchObject({ code: 'model-format' });
  await expect(held.repair(await sha256(second), second)).rejects.toMatchObject({
    code: 'storage-full',
  });
  const small = new Uint8Array(1000).fill(3);
  expect(await held.repair(await sha256(small), small)).toBe(true);
  expect(await store.has(await sha256(small))).toBe(true);
});
