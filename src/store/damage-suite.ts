/** @file What a store must do when what it holds is damaged or cleared; part of the suite of every store. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { CheckpointStore } from './checkpoint-store.ts';
import { DamagedChunkError, RecordChangedError } from './failure.ts';
import { anyValue, mutateRecord } from './mutate-record.ts';
import { CheckpointReader } from './reader.ts';
import { CHUNK_BYTES, expectReadable, importAll, type Place, sample } from './test-samples.ts';
import { CheckpointWriter } from './writer.ts';

interface PlainPart {
  readonly byteLength: number;
  readonly location: readonly Readonly<Record<string, unknown>>[];
}

/** The record with its first part changed; tensors are a map in a database, and a list in a file. */
function changePart(
  record: Readonly<Record<string, unknown>>,
  change: (part: PlainPart) => object,
): object {
  const { tensors } = record as { tensors: Iterable<[string, { parts: PlainPart[] }]> };
  const entries = [...tensors].map(([name, tensor], i) => {
    const parts = tensor.parts.map((part, j) => (i + j === 0 ? change(part) : part));
    return [name, { ...tensor, parts }] as const;
  });
  return { ...record, tensors: tensors instanceof Map ? new Map(entries) : entries };
}

function fail(): never {
  throw new Error('it was not imported');
}

/** @param here Where the store of the test is. @param numRuns Of each property. */
export function damageSuite(
  here: () => Place,
  store: () => CheckpointStore,
  numRuns: number,
): void {
  describe('a damaged record', () => {
    const samples = [sample('a', [150, 20]), sample('b', [90])];

    const damages: [string, (record: Readonly<Record<string, unknown>>) => object][] = [
      ['no chunks', (record) => ({ ...record, chunks: undefined })],
      ['chunks that are a number', (record) => ({ ...record, chunks: 5 })],
      [
        'a hash that is a path',
        (record) => ({ ...record, chunks: [{ hash: '../../etc', byteLength: 64 }] }),
      ],
      ['no tensors', (record) => ({ ...record, tensors: undefined })],
      ['tensors that are text', (record) => ({ ...record, tensors: 'all' })],
      ['a tensor of no name', (record) => ({ ...record, tensors: [[5, {}]] })],
      ['a source that is a number', (record) => ({ ...record, source: 5 })],
      ['a state that is unknown', (record) => ({ ...record, state: 'ready' })],
      ['chunks of no length', (record) => ({ ...record, chunkBytes: 0 })],
      ['chunks of another length', (record) => ({ ...record, chunkBytes: 80 })],
      ['another size in all', (record) => ({ ...record, totalBytes: 1e300 })],
      ['a version that is text', (record) => ({ ...record, version: '3' })],
      ['a format version that is text', (record) => ({ ...record, formatVersion: 'new' })],
      ['a time out of range', (record) => ({ ...record, lastUsedAt: 1e300 })],
      [
        'a part that is too long',
        (record) => changePart(record, (part) => ({ ...part, byteLength: 1e15 })),
      ],
      [
        'a part of a petabyte in one slice',
        (record) =>
          changePart(record, (part) => ({
            ...part,
            byteLength: 1e15,
            location: [{ ...part.location[0], offset: 0, length: 1e15 }],
          })),
      ],
      [
        'a slice outside its chunk',
        (record) =>
          changePart(record, (part) => ({
            ...part,
            location: part.location.map((slice) => ({ ...slice, offset: 1e9 })),
          })),
      ],
      [
        'slices in another order',
        (record) =>
          changePart(record, (part) => ({ ...part, location: part.location.toReversed() })),
      ],
    ];

    test.each(damages)('with %s harms its own checkpoint only', async (_, damage) => {
      const { record: sound } = await importAll(store(), 'sound', [samples[0] ?? sample('a', [1])]);
      const { record: whole } = await importAll(store(), 'x', samples);
      await here().overwriteRecord('x', damage);
      expect((await store().listCheckpoints()).map(({ id }) => id)).toEqual(['sound']);
      expect(await store().openCheckpoint('x')).toBeUndefined();
      const damaged = await store().damagedCheckpoint('x');
      expect(damaged?.problem).toMatch(/\w/);
      // The chunks of neither go.
      await store().collectGarbage();
      if (sound) await expectReadable(store(), sound, samples.slice(0, 1));
      // An import under the same id takes its place.
      const { record: again } = await importAll(store(), 'x', samples);
      expect(again?.chunks).toEqual(whole?.chunks);
      if (again) await expectReadable(store(), again, samples);
      // Deleted while it is damaged, it frees what is its own and no more.
      await here().overwriteRecord('x', damage);
      await store().deleteCheckpoint('x');
      expect(await store().damagedCheckpoint('x')).toBeUndefined();
      expect(await store().collectGarbage()).toBe(0);
      const has = await Promise.all((whole?.chunks ?? []).map(({ hash }) => store().has(hash)));
      expect(has.at(-1)).toBe(false);
      if (sound) await expectReadable(store(), sound, samples.slice(0, 1));
    });

    test('of any kind is damaged or sound, never something else', async () => {
      const { record: sound } = await importAll(store(), 'sound', [samples[0] ?? sample('a', [1])]);
      await fc.assert(
        fc.asyncProperty(fc.nat(), anyValue, fc.boolean(), async (place, value, isHalf) => {
          await importAll(store(), 'x', samples, isHalf ? 200 : Infinity, true);
          await here().overwriteRecord('x', (record) => mutateRecord(record, place, value));
          const [listed, opened] = [await store().listRecords(), await store().openCheckpoint('x')];
          expect(listed.map(({ id }) => id).toSorted()).toEqual(['sound', 'x']);
          const damaged = await store().damagedCheckpoint('x');
          expect((opened === undefined) !== (damaged === undefined)).toBe(true);
          await store().collectGarbage();
          if (opened?.state === 'complete') {
            // A sound record still says where its own bytes are, or what it has is said to be of another kind.
            const reader = new CheckpointReader(store(), opened);
            for (const { name, parts } of opened.tensors.values()) {
              for (const part of parts) await reader.readTensor(name, part.name);
            }
          }
          await store().deleteCheckpoint('x');
          expect(await store().collectGarbage()).toBe(0);
          expect((await store().listRecords()).map(({ id }) => id)).toEqual(['sound']);
        }),
        { numRuns },
      );
      if (sound) await expectReadable(store(), sound, samples.slice(0, 1));
    });
  });

  test('a store that was cleared under an open connection is empty, and can be used again', async () => {
    const samples = [sample('a', [150])];
    const { record } = await importAll(store(), 'x', samples);
    await here().clear();
    expect(await store().openCheckpoint('x')).toBeUndefined();
    expect(await store().listCheckpoints()).toEqual([]);
    const reader = new CheckpointReader(await here().open(), record ?? fail());
    await expect(reader.readTensor('a')).rejects.toBeInstanceOf(DamagedChunkError);
    const { record: again } = await importAll(store(), 'x', samples);
    if (again) await expectReadable(store(), again, samples);
  });

  test('an import whose store is cleared meanwhile stops, and not by an abort', async () => {
    const identity = { id: 'x', source: 's', revision: 'r', format: 'f16' };
    const writer = await CheckpointWriter.open(store(), identity, { chunkBytes: CHUNK_BYTES });
    await here().clear();
    const { spec } = sample('a', [100]);
    const failure: unknown = await writer
      .append(spec, () => new Uint8Array(100))
      .catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(RecordChangedError);
  });
}
