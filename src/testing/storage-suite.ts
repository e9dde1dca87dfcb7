/** @file What keeping a checkpoint in a store must do, whatever the store is on. */
import { afterEach, expect, test } from 'vitest';
import { EnginePipeline } from '../pipeline/engine.ts';
import type { CheckpointStore, CheckpointStoreOptions } from '../store/checkpoint-store.ts';
import type { FileSource } from '../weights/source.ts';
import { repositoryFolder } from './fixtures.ts';

const REQUEST = {
  prompt: 'a red circle moves right',
  seed: 5,
  width: 32,
  height: 32,
  numFrames: 5,
  numInferenceSteps: 2,
  guidanceScale: 4,
};

/** Counts the bytes that are read from a source, but for the headers of its files. */
function counted(source: FileSource): { source: FileSource; bytes: () => number } {
  let bytes = 0;
  return {
    source: {
      name: source.name,
      readText: (path, options) => source.readText(path, options),
      exists: (path, options) => source.exists(path, options),
      size: (path, options) => source.size(path, options),
      revision: (path, options) => source.revision(path, options),
      async read(path, start, end, options) {
        const data = await source.read(path, start, end, options);
        if (start > 8) bytes += data.byteLength;
        return data;
      },
    },
    bytes: () => bytes,
  };
}

export function describeStorage(
  openStore: (options?: CheckpointStoreOptions) => Promise<CheckpointStore>,
): void {
  let pipeline: EnginePipeline | undefined;

  afterEach(() => pipeline?.dispose());

  test('the second load fetches nothing, and streams the same clip from the store', async () => {
    const store = await openStore();
    const { source, bytes } = counted(await repositoryFolder('models/pocket'));
    const load = async (options: object): Promise<EnginePipeline> => {
      await pipeline?.dispose();
      pipeline = await EnginePipeline.fromSource(source, {
        device: 'wasm',
        dtype: 'float32',
        ...options,
      });
      return pipeline;
    };
    const fromRam = await (await load({})).generate(REQUEST);
    const fetched = bytes();
    expect(fetched).toBeGreaterThan(1e6);

    await load({ store });
    const imported = bytes() - fetched;
    const loaded = await load({ store });
    expect(bytes() - fetched - imported).toBe(0);
    expect(loaded.checkpoint.downloadBytes).toBe(imported);
    const whole = await loaded.generate(REQUEST);
    expect(await whole.frames()).toEqual(await fromRam.frames());

    const budgeted = await load({ store, memory: { budgetBytes: 14e6 } });
    const streamed = await budgeted.generate(REQUEST);
    expect(streamed.memory.peakBytes).toBeLessThan(whole.memory.peakBytes);
    expect(await streamed.frames()).toEqual(await fromRam.frames());
    expect(await store.listCheckpoints()).toHaveLength(3);
  });

  test('an import that was cut short goes on where it stopped', async () => {
    const store = await openStore();
    const folder = await repositoryFolder('models/pocket');
    const { source, bytes } = counted(folder);
    const controller = new AbortController();
    const interrupted = EnginePipeline.fromSource(source, {
      device: 'wasm',
      store,
      signal: controller.signal,
      onProgress: ({ fraction }) => {
        if (fraction > 0.5) controller.abort();
      },
    });
    await expect(interrupted).rejects.toMatchObject({ name: 'AbortError' });
    const before = bytes();
    pipeline = await EnginePipeline.fromSource(source, { device: 'wasm', store });
    expect(bytes() - before).toBeLessThan(pipeline.checkpoint.downloadBytes);
    expect((await store.listCheckpoints()).map(({ state }) => state)).toEqual(
      Array.from({ length: 3 }, () => 'complete'),
    );
  });

  test('too little room is told before anything is fetched', async () => {
    const figures = { freeBytes: 1000, usedBytes: 5000 };
    const store = await openStore({ estimate: () => Promise.resolve(figures) });
    const { source, bytes } = counted(await repositoryFolder('models/pocket'));
    await expect(
      EnginePipeline.fromSource(source, { device: 'wasm', store }),
    ).rejects.toMatchObject({ code: 'storage-full' });
    expect(bytes()).toBe(0);
  });
}
