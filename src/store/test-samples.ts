/** @file Small checkpoints for tests of a store, and imports of them that can be cut short. */
import * as fc from 'fast-check';
import { expect } from 'vitest';
import type { CheckpointStore, CheckpointStoreOptions } from './checkpoint-store.ts';
import { CheckpointReader } from './reader.ts';
import type { CheckpointRecord, TensorSpec } from './record.ts';
import { CheckpointWriter } from './writer.ts';

/** One fresh place; `open` opens it again as another session would. */
export interface Place {
  open(options?: CheckpointStoreOptions): Promise<CheckpointStore>;
  /** Puts other bytes under a chunk's name. */
  overwrite(hash: string, bytes: Uint8Array<ArrayBuffer>): Promise<void>;
  /** Replaces a record by another. */
  overwriteRecord(
    id: string,
    change: (record: Readonly<Record<string, unknown>>) => object,
  ): Promise<void>;
  /** Removes all that is stored, as a browser does under open connections. */
  clear(): Promise<void>;
  /** Replaces every value of the cache by other bytes. */
  overwriteValues(bytes: Uint8Array<ArrayBuffer>): Promise<void>;
  remove(): Promise<void>;
}

export interface Sample {
  readonly spec: TensorSpec;
  readonly bytes: ReadonlyMap<string, Uint8Array<ArrayBuffer>>;
}

export const CHUNK_BYTES = 64;
export const IDENTITY = { id: 'x', source: 'hub/model', revision: 'main', format: 'q8' };

export function sample(name: string, sizes: readonly number[], seed = 1): Sample {
  const bytes = new Map(
    sizes.map((size, index) => [
      index === 0 ? 'data' : `scales${index}`,
      Uint8Array.from({ length: size }, (_, at) => (at * 31 + seed * 97 + name.length * 7) & 255),
    ]),
  );
  const parts = [...bytes].map(([part, { byteLength }]) => ({ name: part, byteLength }));
  return { spec: { name, storage: 'q8', dtype: 'F32', shape: [3, 5], parts }, bytes };
}

/** Appends until `stopAfter` bytes were asked for, then forgets the writer, as a kill would, or stops in good order. */
export async function importAll(
  store: CheckpointStore,
  id: string,
  samples: readonly Sample[],
  stopAfter = Infinity,
  keepsTail = false,
): Promise<{ record: CheckpointRecord | undefined; fetched: number }> {
  const writer = await CheckpointWriter.open(
    store,
    { ...IDENTITY, id },
    {
      chunkBytes: CHUNK_BYTES,
      metadata: { config: [1, null, 'x'] },
    },
  );
  let fetched = 0;
  const isCut = (): boolean => fetched >= stopAfter;
  for (const { spec, bytes } of samples) {
    async function* pieces(part: string, start: number): AsyncGenerator<Uint8Array<ArrayBuffer>> {
      const all = bytes.get(part) ?? new Uint8Array();
      for (let at = start; at < all.byteLength; at += 23) {
        if (isCut()) throw new Error('killed');
        const piece = all.slice(at, at + 23);
        fetched += piece.byteLength;
        yield piece;
      }
    }
    try {
      await writer.append(spec, pieces);
    } catch (error) {
      if (!isCut()) throw error;
      if (keepsTail) await writer.keepTail();
      return { record: undefined, fetched };
    }
  }
  return { record: await writer.finish(), fetched };
}

export async function expectReadable(
  store: CheckpointStore,
  record: CheckpointRecord,
  samples: readonly Sample[],
): Promise<void> {
  const reader = new CheckpointReader(store, record);
  for (const { spec, bytes } of samples) {
    for (const [part, expected] of bytes) {
      expect(await reader.readTensor(spec.name, part)).toEqual(expected);
    }
  }
}

export const total = (samples: readonly Sample[]): number =>
  samples.reduce(
    (sum, { spec }) => spec.parts.reduce((bytes, part) => bytes + part.byteLength, sum),
    0,
  );

export const anySamples = fc
  .array(fc.array(fc.nat(180), { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 6 })
  .map((all) => all.map((sizes, index) => sample(`t${index}`, sizes, index)));
