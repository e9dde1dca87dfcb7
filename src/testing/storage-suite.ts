/** @file What keeping a checkpoint in a store must do, whatever the store is on. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { FrameGroup, WeightsFormat } from '../pipeline/api.ts';
import { type EngineOptions, EnginePipeline } from '../pipeline/engine.ts';
import type { CheckpointStore } from '../store/checkpoint-store.ts';
import type { Place } from '../store/test-suite.ts';
import type { FileSource } from '../weights/source.ts';
import { countedSource } from './counted-source.ts';
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

/** Cuts the bundled checkpoint into some twenty chunks. */
const CHUNK_BYTES = 512 * 1024;

/** The runtime's own, and too little for all of the weights. */
const BUDGET_BYTES = 16 * 2 ** 20 + 12e6;

/** Counts what is read of the files, but for their headers. */
const counted = (source: FileSource): ReturnType<typeof countedSource> =>
  countedSource(source, (start) => start > 8);

export function describeStorage(freshPlace: () => Promise<Place>): void {
  let place: Place;
  let store: CheckpointStore;
  let pipeline: EnginePipeline | undefined;

  beforeEach(async () => {
    place = await freshPlace();
    store = await place.open();
  });

  afterEach(async () => {
    await pipeline?.dispose();
    store.close();
    await place.remove();
  });

  /** Another session's pipeline: nothing is left of the one before but what is stored. */
  async function load(source: FileSource, options: EngineOptions = {}): Promise<EnginePipeline> {
    await pipeline?.dispose();
    pipeline = await EnginePipeline.fromSource(source, {
      device: 'wasm',
      dtype: 'float32',
      chunkBytes: CHUNK_BYTES,
      ...options,
    });
    return pipeline;
  }

  async function clip(source: FileSource, options: EngineOptions): Promise<readonly FrameGroup[]> {
    return (await (await load(source, options)).generate(REQUEST)).frames();
  }

  test('the second load fetches nothing, and streams the same clip from the store', async () => {
    const { source, bytes } = counted(await repositoryFolder('models/pocket'));
    const fromRam = await clip(source, {});
    const fetched = bytes();
    expect(fetched).toBeGreaterThan(1e6);

    await load(source, { store });
    const imported = bytes() - fetched;
    const loaded = await load(source, { store });
    expect(bytes() - fetched - imported).toBe(0);
    expect(loaded.checkpoint.downloadBytes).toBe(imported);
    const whole = await loaded.generate(REQUEST);
    expect(await whole.frames()).toEqual(fromRam);
    expect(whole.memory.ramBytes).toBe(0);

    const budgeted = await load(source, { store, memory: { budgetBytes: BUDGET_BYTES } });
    const streamed = await budgeted.generate(REQUEST);
    expect(streamed.memory.peakBytes).toBeLessThan(whole.memory.peakBytes);
    expect(await streamed.frames()).toEqual(fromRam);
    expect(await store.listCheckpoints()).toHaveLength(3);
  });

  test('RAM holds as many of the streamed weights as it was given room for', async () => {
    const source = await repositoryFolder('models/pocket');
    const budgetBytes = BUDGET_BYTES;
    const fromStore = await load(source, { store, memory: { budgetBytes } });
    const expected = await (await fromStore.generate(REQUEST)).frames();
    const ramBytes = 3e6;
    const held = await load(source, {
      store,
      storage: true,
      memory: { budgetBytes, ramBytes },
    });
    const result = await held.generate(REQUEST);
    expect(await result.frames()).toEqual(expected);
    expect(result.memory.ramBytes).toBeLessThanOrEqual(ramBytes);
    expect(result.memory.ramBytes).toBeGreaterThan(ramBytes / 2);
  });

  test.each(['q8', 'q4', 'f16'] satisfies WeightsFormat[])(
    'weights are kept as %s, and make the clip that they make from RAM',
    async (weights) => {
      const source = await repositoryFolder('models/pocket');
      const fromRam = await clip(source, { memory: { weights } });
      expect(await clip(source, { store, memory: { weights } })).toEqual(fromRam);
      const formats = async (): Promise<string[]> =>
        (await store.listCheckpoints()).map(({ format }) => format).sort();
      // The bundled weights are float16 as they come, and a decoder's are never converted.
      const kept = weights === 'f16' ? 'source' : weights;
      expect(await formats()).toEqual([kept, kept, 'source'].sort());
      const bytes = (await store.listCheckpoints()).reduce((sum, each) => sum + each.totalBytes, 0);
      const all = pipeline?.checkpoint.downloadBytes ?? Number.NaN;
      expect(bytes / all).toBeLessThan({ q8: 0.75, q4: 0.55, f16: 1.001 }[weights]);
    },
  );

  test('an import that was cut short goes on where it stopped, with the same result', async () => {
    const folder = await repositoryFolder('models/pocket');
    const { source, bytes } = counted(folder);
    const controller = new AbortController();
    const memory = { weights: 'q8' } as const;
    const interrupted = load(source, {
      store,
      memory,
      signal: controller.signal,
      onProgress: ({ fraction }) => {
        if (fraction > 0.6) controller.abort();
      },
    });
    await expect(interrupted).rejects.toMatchObject({ name: 'AbortError' });
    expect((await store.listCheckpoints()).map(({ state }) => state)).toContain('importing');
    const { checkpoint } = await load(source, { store, memory });
    // What a kill loses: a chunk of 8-bit weights, twice as much of float16 ones, and what was read ahead.
    expect(bytes() - checkpoint.downloadBytes).toBeLessThan(4 * CHUNK_BYTES);
    const chunks = await chunksByName(store);
    for (const { id } of await store.listCheckpoints()) await store.deleteCheckpoint(id);
    await load(source, { store, memory });
    expect(await chunksByName(store)).toEqual(chunks);
  });

  test('a chunk that was damaged in the store is fetched again by itself', async () => {
    const { source, bytes } = counted(await repositoryFolder('models/pocket'));
    const memory = { weights: 'q8' } as const;
    const intact = await clip(source, { store, memory });
    const records = await store.listCheckpoints();
    const record = records.find((each) => each.source.endsWith('/transformer'));
    const hash = record?.chunks[2]?.hash ?? '';
    const chunk = new Uint8Array(await (await store.get(hash)).arrayBuffer());
    chunk[1000] = (chunk[1000] ?? 0) ^ 4;
    await place.overwrite(hash, chunk);

    store.close();
    store = await place.open();
    const before = bytes();
    expect(await clip(source, { store, memory })).toEqual(intact);
    expect(bytes() - before).toBeGreaterThan(CHUNK_BYTES);
    // The tensors at its ends are read whole.
    expect(bytes() - before).toBeLessThan(4 * CHUNK_BYTES);
    const repaired = await store.get(hash, { verify: true });
    expect(repaired.size).toBe(chunk.byteLength);
  });

  test('a prompt that was encoded in an earlier session is not encoded again', async () => {
    const { source, bytes } = counted(await repositoryFolder('models/pocket'));
    const first = await load(source, { store });
    const made = await (await first.generate(REQUEST)).frames();
    const { embeds } = await first.encodePrompt(REQUEST.prompt);
    const again = await load(source, { store });
    const record = (await store.listCheckpoints()).find((each) =>
      each.source.endsWith('/text_encoder'),
    );
    // Whoever reads the encoder's weights now, has to fetch them.
    for (const { hash } of record?.chunks ?? []) await store.delete(hash);
    const before = bytes();
    expect(await (await again.generate(REQUEST)).frames()).toEqual(made);
    expect((await again.encodePrompt(REQUEST.prompt)).embeds).toEqual(embeds);
    expect(bytes()).toBe(before);
    await again.encodePrompt('a prompt that is new');
    expect(bytes()).toBeGreaterThan(before);
  });

  test('embeddings that were damaged in the store, or are of other weights, are made anew', async () => {
    const { source } = counted(await repositoryFolder('models/pocket'));
    const memory = { weights: 'q8' } as const;
    const first = await load(source, { store });
    const { embeds } = await first.encodePrompt(REQUEST.prompt);
    const quantized = await load(source, { store, memory });
    const other = await quantized.encodePrompt(REQUEST.prompt);
    expect(other.embeds).not.toEqual(embeds);
    await place.overwriteValues(new Uint8Array(500));
    const later = await load(source, { store });
    expect((await later.encodePrompt(REQUEST.prompt)).embeds).toEqual(embeds);
  });

  test('weights that the first release stored, in records without a format version, are used as they are', async () => {
    const { source, bytes } = counted(await repositoryFolder('models/pocket'));
    const memory = { weights: 'q8' } as const;
    const expected = await clip(source, { store, memory });
    for (const { id } of await store.listCheckpoints()) {
      await place.overwriteRecord(id, ({ formatVersion, ...record }) => {
        expect(formatVersion).toBe(1);
        return record;
      });
    }
    const before = bytes();
    expect(await clip(source, { store, memory })).toEqual(expected);
    expect(bytes()).toBe(before);
    expect(pipeline?.notices.filter(({ code }) => code === 'stored-again')).toEqual([]);
  });

  test('a stored copy that is of no use is fetched again as far as needed, with a notice', async () => {
    const { source, bytes } = counted(await repositoryFolder('models/pocket'));
    const memory = { weights: 'q8' } as const;
    await load(source, { store, memory });
    const chunks = await chunksByName(store);
    const id = Object.keys(chunks).find((each) => each.includes('/transformer@')) ?? '';
    const own = chunks[id] ?? [];
    const change = (edit: (record: Readonly<Record<string, unknown>>) => object) => () =>
      place.overwriteRecord(id, edit);
    const lose = (hashes: readonly string[]) => async () => {
      for (const hash of hashes) await store.delete(hash);
    };
    const harms: [notice: RegExp, harm: () => Promise<void>, isInPart?: boolean][] = [
      [/damaged: its list of chunks/, change((record) => ({ ...record, chunks: 'none' }))],
      [/another layout of q8/, change((record) => ({ ...record, formatVersion: 7 }))],
      [/tensor \S+ is different/, change(renameTensor)],
      [/names other files/, change((record) => ({ ...record, revision: 'other' }))],
      [/names another source/, change((record) => ({ ...record, source: 'x/transformer' }))],
      [/dropped \d+ of its \d+ chunks/, lose(own.slice(1))],
      [/lacked 1 of its \d+ chunks/, lose(own.slice(1, 2)), true],
    ];
    for (const [notice, harm, isInPart] of harms) {
      store.close();
      store = await place.open();
      await harm();
      const before = bytes();
      const { notices } = await load(source, { store, memory });
      const messages = notices.filter(({ code }) => code === 'stored-again');
      expect(messages).toHaveLength(1);
      expect(messages[0]?.message).toMatch(notice);
      expect(messages[0]?.message).toMatch(/transformer.*fetched again/);
      expect(bytes() - before > 4 * CHUNK_BYTES).toBe(isInPart !== true);
      expect(bytes() - before).toBeGreaterThan(CHUNK_BYTES);
      // By their hashes, the weights are the same.
      expect(await chunksByName(store)).toEqual(chunks);
      for (const hash of own) await store.get(hash, { verify: true });
      expect(await store.listRecords()).toHaveLength(3);
      expect(await store.collectGarbage()).toBe(0);
    }
  });

  test('storage that is cleared during a run is reported, and loading again fetches it', async () => {
    const { source, bytes } = counted(await repositoryFolder('models/pocket'));
    const options = { store, memory: { budgetBytes: BUDGET_BYTES } };
    const expected = await clip(source, options);
    const loaded = await load(source, options);
    let cleared: Promise<void> | undefined;
    const onStepEnd = (): void => {
      cleared ??= place.clear();
    };
    const failure: unknown = await loaded
      .generate({ ...REQUEST, onStepEnd })
      .catch((error: unknown) => error);
    await cleared;
    expect(failure).toMatchObject({ name: 'ZoetropeError', code: 'storage-lost' });
    const before = bytes();
    expect(await clip(source, options)).toEqual(expected);
    expect(bytes() - before).toBeGreaterThan(1e6);
  });

  test('an estimate of too little room refuses no import', async () => {
    const figures = { freeBytes: 1000, usedBytes: 5000 };
    const tight = await place.open({ estimate: () => Promise.resolve(figures) });
    const { source, bytes } = counted(await repositoryFolder('models/pocket'));
    await load(source, { store: tight });
    expect(bytes()).toBeGreaterThan(1e6);
    const records = await tight.listCheckpoints();
    expect(records.map(({ state }) => state)).toEqual(['complete', 'complete', 'complete']);
    tight.close();
  });
}

/** Hashes of the chunks of each component. */
async function chunksByName(store: CheckpointStore): Promise<Record<string, readonly string[]>> {
  const records = await store.listCheckpoints();
  return Object.fromEntries(
    records.map(({ id, chunks }) => [id, chunks.map(({ hash }) => hash)] as const),
  );
}

/** The record with another name for one of its tensors. */
function renameTensor(record: Readonly<Record<string, unknown>>): object {
  const { tensors } = record as { tensors: Iterable<[string, object]> };
  const entries = [...tensors].map(([name, tensor], i): [string, object] =>
    i === 3 ? ['other', { ...tensor, name: 'other' }] : [name, tensor],
  );
  return { ...record, tensors: tensors instanceof Map ? new Map(entries) : entries };
}
