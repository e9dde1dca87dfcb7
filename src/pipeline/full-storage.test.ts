/** @file A load whose storage is full somewhere on the way: what it says, what it keeps, and that it resumes. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ZoetropeError } from '../errors.ts';
import { formatBytes } from '../format-bytes.ts';
import { CheckpointStore } from '../store/checkpoint-store.ts';
import { countedSource } from '../testing/counted-source.ts';
import { repositoryFolder } from '../testing/fixtures.ts';
import { freshFolderPath } from '../testing/folder-place.ts';
import { openFullBackend, type Room } from '../testing/full-backend.ts';
import { CheckpointWriter } from '../store/writer.ts';
import type { FileSource } from '../weights/source.ts';
import { type EngineOptions, EnginePipeline } from './engine.ts';

const CHUNK_BYTES = 512 * 1024;
const CLIP = {
  prompt: 'a red circle',
  seed: 5,
  width: 32,
  height: 32,
  numFrames: 1,
  numInferenceSteps: 1,
  guidanceScale: 1,
};

let place: Awaited<ReturnType<typeof freshFolderPath>>;
let room: Room;
let store: CheckpointStore;

beforeEach(async () => {
  place = await freshFolderPath();
  room = { left: Infinity };
  store = new CheckpointStore(await openFullBackend(place.folder, room));
});

afterEach(() => place[Symbol.asyncDispose]());

function load(source: FileSource, options: EngineOptions = {}): Promise<EnginePipeline> {
  return EnginePipeline.fromSource(source, {
    device: 'wasm',
    dtype: 'float32',
    chunkBytes: CHUNK_BYTES,
    store,
    ...options,
  });
}

async function failure(loading: Promise<unknown>): Promise<ZoetropeError> {
  const error: unknown = await loading.then(
    () => expect.unreachable('it has room'),
    (reason: unknown) => reason,
  );
  return error instanceof ZoetropeError ? error : expect.unreachable(String(error));
}

async function keptBytes(): Promise<number> {
  const records = await store.listCheckpoints();
  return records.reduce((sum, { totalBytes }) => sum + totalBytes, 0);
}

/** All chunks together. */
async function hashes(): Promise<string[]> {
  const all = await store.listCheckpoints();
  return all.flatMap(({ chunks }) => chunks.map(({ hash }) => hash)).toSorted();
}

/** Another model, which is whole. */
async function keepAnother(): Promise<void> {
  const source = 'https://example.org/models/other/transformer';
  const identity = { id: `${source}@1#q8`, source, revision: '1', format: 'q8' };
  const writer = await CheckpointWriter.open(store, identity, { chunkBytes: 1024 });
  const parts = [{ name: 'data', byteLength: 3000 }];
  const spec = { name: 'w', storage: 'q8', dtype: 'F32', shape: [3000], parts };
  await writer.append(spec, () => new Uint8Array(3000).fill(7));
  await writer.finish();
}

describe('storage that is full in the middle of an import', () => {
  // In chunks of 0.5 MB: in the text encoder, the transformer, and the last of all.
  test.each([0.2e6, 4.4e6, 10.3e6])(
    'after %d bytes is reported with what is kept, and the import resumes',
    async (left) => {
      await keepAnother();
      const { source, bytes } = countedSource(
        await repositoryFolder('models/pocket'),
        (start) => start > 8,
      );
      room.left = left;
      const error = await failure(load(source));
      expect(error.code).toBe('storage-full');
      expect(error.message).toMatch(
        /^There is no room to store (text_encoder|transformer|vae)\/\S+\.safetensors of .*pocket: the storage is full after .* of this part’s .*\./,
      );
      const other = (await store.listCheckpoints()).find(({ id }) => id.includes('/other/'));
      expect(other).toMatchObject({ state: 'complete', totalBytes: 3000 });
      const kept = (await keptBytes()) - 3000;
      expect(kept).toBeGreaterThan(left - CHUNK_BYTES);
      expect(kept).toBeLessThanOrEqual(left);
      expect(error.message).toMatch(
        kept === 0
          ? /Nothing of the model is kept yet; other stored models are untouched\.$/
          : new RegExp(`${formatBytes(kept)} of the model’s 10.\\d MB are kept: the next load`),
      );
      expect(error.hint).toMatch(
        /^Make room, then load the model again: delete stored models .*other \(q8, 3\.0 kB\); or free disk space\./,
      );
      expect(error.hint).toContain('without keeping it (storage: false)');
      // What the failed write was about is nowhere.
      expect(await store.collectGarbage()).toBe(0);

      room.left = Infinity;
      const before = bytes();
      const pipeline = await load(source);
      const states = (await store.listCheckpoints()).map(({ state }) => state);
      expect(states).toEqual(['complete', 'complete', 'complete', 'complete']);
      const { downloadBytes } = pipeline.checkpoint;
      expect(bytes() - before).toBeLessThan(downloadBytes - kept + 4 * CHUNK_BYTES);
      await pipeline.dispose();
    },
  );

  test('again and again, with a little more room each time, ends in the same chunks', async () => {
    const source = await repositoryFolder('models/pocket');
    let failures = 0;
    for (let last = -1; ; failures++) {
      room.left = 2.5e6;
      const error: unknown = await load(source).then((pipeline) => pipeline.dispose(), String);
      if (error === undefined) break;
      expect(error).toContain('no room');
      const kept = await keptBytes();
      expect(kept).toBeGreaterThan(last);
      last = kept;
    }
    expect(failures).toBeGreaterThan(3);
    const resumed = await hashes();
    for (const { id } of await store.listCheckpoints()) await store.deleteCheckpoint(id);
    room.left = Infinity;
    await (await load(source)).dispose();
    expect(await hashes()).toEqual(resumed);
  });
});

test('a prompt that finds no room to be kept costs the clip nothing, and a notice says so', async () => {
  const source = await repositoryFolder('models/pocket');
  const pipeline = await load(source);
  room.left = 0;
  const { notices } = await pipeline.generate(CLIP);
  const again = await pipeline.generate({ ...CLIP, prompt: 'a blue star' });
  await pipeline.dispose();
  expect(notices.filter(({ code }) => code === 'not-kept')).toHaveLength(1);
  expect(again.notices.filter(({ code }) => code === 'not-kept')).toHaveLength(1);
  expect(notices.find(({ code }) => code === 'not-kept')?.message).toContain('storage is full');
});

test('a damaged chunk that finds no room to be stored again is held in memory', async () => {
  const source = await repositoryFolder('models/pocket');
  const first = await load(source);
  const expected = await (await first.generate(CLIP)).frames();
  await first.dispose();
  const record = (await store.listCheckpoints()).find(({ source: name }) =>
    name.endsWith('/transformer'),
  );
  for (const { hash } of record?.chunks.slice(1, 3) ?? []) await store.delete(hash);
  room.left = 0;
  const pipeline = await load(source);
  const result = await pipeline.generate(CLIP);
  expect(await result.frames()).toEqual(expected);
  expect(result.notices.map(({ code }) => code)).toEqual(
    expect.arrayContaining(['stored-again', 'not-kept']),
  );
  await pipeline.dispose();
});
