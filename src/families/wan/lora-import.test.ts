import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Precision } from '../../graph/index.ts';
import type { CheckpointStore } from '../../store/checkpoint-store.ts';
import type { Place } from '../../store/test-suite.ts';
import { freshFolder } from '../../testing/folder-place.ts';
import { generator } from '../../testing/random-weights.ts';
import { encodeSafetensors, type FileTensor, floats } from '../../testing/safetensors-file.ts';
import type { ComponentWeights } from '../../weights/component-weights.ts';
import { NodeFolderSource } from '../../weights/node-source.ts';
import type { CheckpointParts, ModelCheckpoint } from '../family.ts';
import { openCheckpoint } from '../open-checkpoint.ts';

const CHUNK_BYTES = 256 * 1024;
const WIDTH = 192;

let folder: string;
let place: Place;
let store: CheckpointStore;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lora-import-'));
  place = await freshFolder();
  store = await place.open();
  for (const name of ['a', 'b']) await writeFile(join(folder, `${name}.safetensors`), lora(name));
});

afterEach(async () => {
  store.close();
  await place.remove();
  await rm(folder, { recursive: true });
});

/** For queries and keys of the bundled model's blocks. */
function lora(seed: string): Uint8Array {
  const random = generator(seed);
  const matrix = (rows: number, columns: number): FileTensor => {
    const values = Array.from({ length: rows * columns }, () => 0.1 * random());
    return { ...floats(...values), shape: [rows, columns] };
  };
  const tensors = new Map<string, FileTensor>();
  for (let block = 0; block < 6; block++) {
    for (const part of ['q', 'k']) {
      const module = `diffusion_model.blocks.${block}.self_attn.${part}`;
      tensors.set(`${module}.lora_A.weight`, matrix(4, WIDTH));
      tensors.set(`${module}.lora_B.weight`, matrix(WIDTH, 4));
    }
  }
  return encodeSafetensors(tensors);
}

function open(...loras: readonly [name: string, scale: number][]): Promise<ModelCheckpoint> {
  const source = new NodeFolderSource(folder);
  const parts: CheckpointParts = {
    loras: loras.map(([name, scale]) => ({ source, path: `${name}.safetensors`, scale })),
  };
  return openCheckpoint(new NodeFolderSource('models/pocket'), parts);
}

type Part = 'codes' | 'scales';
const Q8: Precision = { linear: 'float32', weights: { bits: 8, blockSize: 32 } };

/** What two of the tensors that are changed, and one that is not, are kept as. */
async function read(weights: ComponentWeights): Promise<unknown[]> {
  const names = ['blocks.0.attn1.to_q', 'blocks.5.attn1.to_k', 'blocks.3.attn1.to_v'];
  const parts = names.flatMap((name) =>
    (['codes', 'scales'] as Part[]).map(async (part) =>
      weights.get('', {
        name,
        source: `${name}.weight`,
        dtype: part === 'codes' ? 'uint8' : 'float32',
        shape: [],
        sourceShape: [WIDTH, WIDTH],
        packing: { format: { bits: 8, blockSize: 32 }, part },
      }),
    ),
  );
  return Promise.all(parts);
}

const bytes = (checkpoint: ModelCheckpoint): number => checkpoint.components[1]?.bytes ?? 0;

test('what is merged says so, and is counted', async () => {
  const plain = await open();
  const merged = await open(['a', 0.5], ['b', 2]);
  expect(plain.loras).toEqual([]);
  expect(merged.loras).toEqual([
    { source: `${folder}/a.safetensors`, scale: 0.5, tensors: 12 },
    { source: `${folder}/b.safetensors`, scale: 2, tensors: 12 },
  ]);
  expect(bytes(merged) - bytes(plain)).toBe(2 * 12 * 8 * WIDTH * 4);
  expect(merged.storedBytes('transformer', Q8)).toBe(plain.storedBytes('transformer', Q8));

  for (const options of [{}, { store }, { store }]) {
    let counted = 0;
    const onBytes = (count: number): void => void (counted += count);
    await merged.fetch('transformer', Q8, { ...options, onBytes });
    expect(counted).toBeGreaterThanOrEqual(bytes(merged));
    // Nothing but the gaps between tensors is read besides.
    expect(counted).toBeLessThan(1.02 * bytes(merged));
  }
});

test('each LoRA at each scale is a checkpoint of its own, beside the plain one', async () => {
  const variants = [
    [],
    [['a', 1]],
    [['a', 0.5]],
    [['b', 1]],
    [
      ['a', 1],
      ['b', 1],
    ],
  ] as const;
  const kept: unknown[] = [];
  for (const loras of variants) {
    const checkpoint = await open(
      ...loras.map(([name, scale]) => [name, scale] as [string, number]),
    );
    const stored = await read(await checkpoint.fetch('transformer', Q8, { store }));
    expect(stored).toEqual(await read(await checkpoint.fetch('transformer', Q8)));
    kept.push(stored[0]);
  }
  const records = await store.listCheckpoints();
  expect(new Set(records.map(({ id }) => id)).size).toBe(variants.length);
  expect(new Set(records.map(({ source }) => source))).toEqual(
    new Set(['models/pocket/transformer']),
  );
  for (const [i, one] of kept.entries()) {
    for (const other of kept.slice(i + 1)) expect(one).not.toEqual(other);
  }
});

test('another version of the LoRA takes the place of the one before', async () => {
  await (await open(['a', 1])).fetch('transformer', Q8, { store });
  const [before] = await store.listCheckpoints();
  await new Promise((done) => setTimeout(done, 20));
  await writeFile(join(folder, 'a.safetensors'), lora('other'));
  await (await open(['a', 1])).fetch('transformer', Q8, { store });
  const after = await store.listCheckpoints();
  expect(after).toHaveLength(1);
  expect(after[0]?.id).not.toBe(before?.id);
  expect(after[0]?.variant).toBe(before?.variant);
});

test('an import that was cut short goes on, with the same result', async () => {
  const checkpoint = await open(['a', 1], ['b', -0.5]);
  const controller = new AbortController();
  let counted = 0;
  const total = checkpoint.components[1]?.bytes ?? 0;
  const interrupted = checkpoint.fetch('transformer', Q8, {
    store,
    chunkBytes: CHUNK_BYTES,
    signal: controller.signal,
    onBytes: (count) => {
      counted += count;
      if (counted > 0.6 * total) controller.abort();
    },
  });
  await expect(interrupted).rejects.toMatchObject({ name: 'AbortError' });
  expect(await store.listCheckpoints()).toMatchObject([{ state: 'importing' }]);
  counted = 0;
  const onBytes = (count: number): void => void (counted += count);
  const options = { store, chunkBytes: CHUNK_BYTES, onBytes };
  const resumed = await (await open(['a', 1], ['b', -0.5])).fetch('transformer', Q8, options);
  expect(await read(resumed)).toEqual(await read(await checkpoint.fetch('transformer', Q8)));
  expect(counted).toBeGreaterThanOrEqual(total);
});

test('a damaged chunk is merged again', async () => {
  const checkpoint = await open(['a', 1]);
  const options = { store, chunkBytes: CHUNK_BYTES };
  const intact = await read(await checkpoint.fetch('transformer', Q8, options));
  const [record] = await store.listCheckpoints();
  const codes = record?.tensors.get('blocks.0.attn1.to_q.weight')?.parts[0];
  const hash = codes?.location[0]?.hash ?? '';
  const chunk = new Uint8Array(await (await store.get(hash)).arrayBuffer());
  chunk[100] = (chunk[100] ?? 0) ^ 4;
  await place.overwrite(hash, chunk);
  store.close();
  store = await place.open();
  const again = await checkpoint.fetch('transformer', Q8, { ...options, store });
  expect(await read(again)).toEqual(intact);
});

test('what is not for this model is refused before anything is stored', async () => {
  const file = encodeSafetensors(new Map([['blocks.0.other.diff', floats(1)]]));
  await writeFile(join(folder, 'a.safetensors'), file);
  await expect(open(['a', 1])).rejects.toMatchObject({
    code: 'model-format',
    message: expect.stringContaining('blocks.0.other.diff matches nothing'),
  });
  expect(await store.listCheckpoints()).toEqual([]);
});
