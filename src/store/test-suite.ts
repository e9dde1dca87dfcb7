/** @file What every place to store checkpoints must do; run in Node on a folder, and in a browser on IndexedDB. */
import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ZoetropeError } from '../errors.ts';
import type { CheckpointStore } from './checkpoint-store.ts';
import { damageSuite } from './damage-suite.ts';
import { DamagedChunkError } from './failure.ts';
import { CheckpointReader } from './reader.ts';
import { chunkContents } from './record.ts';
import { sha256 } from './sha256.ts';
import {
  anySamples,
  CHUNK_BYTES,
  expectReadable,
  IDENTITY,
  importAll,
  type Place,
  sample,
  total,
} from './test-samples.ts';
import { CheckpointWriter } from './writer.ts';

export type { Place } from './test-samples.ts';

/** For the cache. */
function value(length: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(length).fill(7);
}

const FIGURES = { usedBytes: 1000, freeBytes: 10 };

/** Runs the suite. @param numRuns Of each property. */
export function storeSuite(title: string, place: () => Promise<Place>, numRuns: number): void {
  describe(title, () => {
    let here: Place;
    let store: CheckpointStore;

    beforeEach(async () => {
      here = await place();
      store = await here.open();
    });
    afterEach(async () => {
      store.close();
      await here.remove();
    });

    test('chunks: put is idempotent, reads are ranges', async () => {
      const bytes = Uint8Array.from({ length: 1000 }, (_, at) => at & 255);
      const hash = await store.put(bytes);
      expect(hash).toBe(await sha256(bytes));
      expect(await store.put(bytes)).toBe(hash);
      expect(await store.has(hash)).toBe(true);
      expect(await store.read(hash, 10, 300)).toEqual(bytes.slice(10, 300));
      const blob = await store.get(hash, { verify: true });
      expect(new Uint8Array(await blob.arrayBuffer())).toEqual(bytes);
      await store.delete(hash);
      expect(await store.has(hash)).toBe(false);
      await expect(store.read(hash, 0, 1)).rejects.toMatchObject({ code: 'model-format', hash });
    });

    test('a flipped bit names its chunk, which can be rebuilt alone', async () => {
      const samples = [sample('a', [100, 20]), sample('b', [90])];
      const { record } = await importAll(store, 'x', samples);
      const hash = record?.chunks[1]?.hash ?? '';
      const good = new Uint8Array(await (await store.get(hash)).arrayBuffer());
      const bad = good.slice();
      bad[3] = (bad[3] ?? 0) ^ 4;
      await here.overwrite(hash, bad);
      const session = await here.open();
      const opened = await session.openCheckpoint('x');
      if (!opened) throw new Error('not there');
      const reader = new CheckpointReader(session, opened);
      const failure = await reader.readTensor('a').catch((error: unknown) => error);
      expect(failure).toBeInstanceOf(DamagedChunkError);
      expect(failure).toMatchObject({ code: 'model-format', hash });
      await expect(session.repairChunk(hash, bad)).rejects.toMatchObject({ code: 'model-format' });
      const rebuilt = new Uint8Array(opened.chunks[1]?.byteLength ?? 0);
      for (const { tensor, part, start, end, offset } of chunkContents(opened, hash)) {
        const source = samples.find(({ spec }) => spec.name === tensor)?.bytes.get(part);
        if (source) rebuilt.set(source.subarray(start, end), offset);
      }
      await session.repairChunk(hash, rebuilt);
      await expectReadable(session, opened, samples);
      session.close();
    });

    test('tensors of any size come back, aligned, with ranges', async () => {
      await fc.assert(
        fc.asyncProperty(anySamples, async (samples) => {
          const { record } = await importAll(store, 'p', samples);
          const opened = await store.openCheckpoint('p');
          if (!opened || !record) throw new Error('not there');
          expect({ ...opened, lastUsedAt: 0 }).toEqual({ ...record, lastUsedAt: 0 });
          await expectReadable(store, opened, samples);
          for (const { parts } of opened.tensors.values()) {
            for (const { location } of parts) expect((location[0]?.offset ?? 0) % 16).toBe(0);
          }
          const [first] = samples;
          const data = first?.bytes.get('data');
          if (data) {
            const [start, end] = [data.length >> 2, data.length - (data.length >> 2)];
            const range = await new CheckpointReader(store, opened).readRange(
              't0',
              'data',
              start,
              end,
            );
            expect(range).toEqual(data.slice(start, end));
          }
          await store.deleteCheckpoint('p');
          expect(await store.collectGarbage()).toBe(0);
        }),
        { numRuns },
      );
    });

    test('killed anywhere and resumed: the same chunks, at most one fetched again', async () => {
      await fc.assert(
        fc.asyncProperty(
          anySamples,
          fc.array(fc.nat(200), { maxLength: 4 }),
          async (all, kills) => {
            const { record: whole } = await importAll(store, 'whole', all);
            let fetched = 0;
            let cuts = 0;
            for (const stopAfter of kills) {
              const session = await here.open();
              const result = await importAll(session, 'cut', all, stopAfter);
              session.close();
              fetched += result.fetched;
              if (result.record) break;
              cuts++;
              const half = await store.openCheckpoint('cut');
              expect(half?.state).toBe('importing');
            }
            const before = await store.openCheckpoint('cut');
            const last =
              before?.state === 'complete' ? undefined : await importAll(store, 'cut', all);
            fetched += last?.fetched ?? 0;
            const cut = await store.openCheckpoint('cut');
            expect(cut?.chunks).toEqual(whole?.chunks);
            expect(cut?.tensors).toEqual(whole?.tensors);
            expect(fetched).toBeLessThanOrEqual(total(all) + cuts * CHUNK_BYTES);
            if (cut) await expectReadable(store, cut, all);
            await store.deleteCheckpoint('cut');
            if (whole) await expectReadable(store, whole, all);
            await store.deleteCheckpoint('whole');
            expect(await store.collectGarbage()).toBe(0);
          },
        ),
        { numRuns },
      );
    });

    test('an import that is stopped anywhere keeps all that it was given', async () => {
      await fc.assert(
        fc.asyncProperty(
          anySamples,
          fc.array(fc.record({ after: fc.nat(200), kills: fc.boolean() }), { maxLength: 5 }),
          async (all, stops) => {
            for (const id of ['whole', 'cut']) await store.deleteCheckpoint(id);
            const { record: whole } = await importAll(store, 'whole', all);
            let fetched = 0;
            let kills = 0;
            for (const { after, kills: isKill } of stops) {
              const session = await here.open();
              const result = await importAll(session, 'cut', all, after, !isKill);
              session.close();
              fetched += result.fetched;
              if (result.record) break;
              if (isKill) kills++;
            }
            const before = await store.openCheckpoint('cut');
            if (before?.state !== 'complete') {
              // What is said to be stored is not asked for again.
              const end = await importAll(store, 'cut', all);
              fetched += end.fetched;
            }
            const cut = await store.openCheckpoint('cut');
            expect(cut?.chunks).toEqual(whole?.chunks);
            expect(cut?.tensors).toEqual(whole?.tensors);
            expect(cut?.tail).toBeUndefined();
            expect(fetched).toBeGreaterThanOrEqual(total(all));
            expect(fetched).toBeLessThanOrEqual(total(all) + kills * CHUNK_BYTES);
            if (cut) await expectReadable(store, cut, all);
            await store.deleteCheckpoint('whole');
            await store.deleteCheckpoint('cut');
            // No tail is left behind.
            expect(await store.collectGarbage()).toBe(0);
          },
        ),
        { numRuns: Math.ceil(numRuns / 2) },
      );
    });

    test('a tail is counted, survives a sweep, and goes with the next chunk', async () => {
      const samples = [sample('a', [150])];
      const { fetched } = await importAll(store, 'x', samples, 70, true);
      const half = await store.peekCheckpoint('x');
      expect(half?.chunks).toHaveLength(1);
      expect(half?.totalBytes).toBe(fetched);
      expect(half?.tail).toMatchObject({ byteLength: fetched - CHUNK_BYTES, at: CHUNK_BYTES });
      expect(await store.collectGarbage()).toBe(0);
      // Stopped once more in the same chunk, it has one longer tail.
      const { fetched: more } = await importAll(store, 'x', samples, 1, true);
      const longer = await store.peekCheckpoint('x');
      expect(longer?.totalBytes).toBe(fetched + more);
      expect(longer?.tail).toMatchObject({ byteLength: fetched + more - CHUNK_BYTES });
      expect(await store.has(half?.tail?.hash ?? '')).toBe(false);
      const { fetched: rest, record } = await importAll(store, 'x', samples);
      expect(rest).toBe(150 - fetched - more);
      expect(record?.totalBytes).toBe(150);
      expect(await store.has(longer?.tail?.hash ?? '')).toBe(false);
    });

    test('a lost tail, or one that an older release left behind, is asked for again', async () => {
      const samples = [sample('a', [150])];
      await importAll(store, 'x', samples, 100, true);
      const half = await store.peekCheckpoint('x');
      await store.delete(half?.tail?.hash ?? '');
      const first = await importAll(store, 'x', samples, 40, true);
      expect(first.fetched).toBeGreaterThanOrEqual(40);
      // A release that knows no tails stores chunks after it, and copies it along.
      await here.overwriteRecord('x', (record) => ({
        ...record,
        tail: { ...(record['tail'] as object), at: 0 },
        totalBytes: CHUNK_BYTES,
      }));
      const { record } = await importAll(store, 'x', samples);
      if (record) await expectReadable(store, record, samples);
      expect(record?.state).toBe('complete');
    });

    damageSuite(
      () => here,
      () => store,
      numRuns,
    );

    test('a resumed import tells what is stored, and refuses other tensors', async () => {
      const samples = [sample('a', [64]), sample('b', [100]), sample('c', [10])];
      await importAll(store, 'x', samples, 150);
      const writer = await CheckpointWriter.open(store, IDENTITY);
      expect([...writer.storedTensors]).toEqual(['a']);
      expect(writer.storedBytes).toBe(128);
      const other = sample('a', [65]);
      await expect(writer.append(other.spec, () => new Uint8Array(65))).rejects.toMatchObject({
        code: 'invalid-argument',
      });
      const moved = { ...IDENTITY, revision: 'other' };
      await expect(CheckpointWriter.open(store, moved)).rejects.toBeInstanceOf(ZoetropeError);
    });

    test('a half-made import goes on although a chunk of it was lost', async () => {
      const samples = [sample('a', [200]), sample('b', [100])];
      await importAll(store, 'x', samples, 250);
      const half = await store.openCheckpoint('x');
      await store.delete(half?.chunks[1]?.hash ?? '');
      const writer = await CheckpointWriter.open(store, IDENTITY);
      expect([writer.storedBytes, writer.storedTensors.size]).toEqual([CHUNK_BYTES, 0]);
      const { record } = await importAll(store, 'x', samples);
      if (record) await expectReadable(store, record, samples);
      expect(record?.state).toBe('complete');
    });

    test('deletion frees what nobody shares, importing checkpoints included', async () => {
      const shared = sample('a', [128]);
      const one = [shared, sample('b', [64], 3)];
      const two = [shared, sample('b', [64], 4)];
      const { record: first } = await importAll(store, 'one', one);
      await importAll(store, 'two', two, 128);
      await store.deleteCheckpoint('one');
      const has = await Promise.all((first?.chunks ?? []).map(({ hash }) => store.has(hash)));
      expect(has).toEqual([true, true, false]);
      const { record: second } = await importAll(store, 'two', two);
      if (second) await expectReadable(store, second, two);
      expect((await store.listCheckpoints()).map(({ id }) => id)).toEqual(['two']);
      const orphan = await store.put(new Uint8Array([1, 2, 3]));
      expect(await store.collectGarbage()).toBe(1);
      expect(await store.has(orphan)).toBe(false);
      if (second) await expectReadable(store, second, two);
    });

    test('an import whose record was deleted meanwhile stops', async () => {
      const identity = { id: 'x', source: 's', revision: 'r', format: 'f16' };
      const writer = await CheckpointWriter.open(store, identity, { chunkBytes: CHUNK_BYTES });
      await store.deleteCheckpoint('x');
      const { spec } = sample('a', [100]);
      await expect(writer.append(spec, () => new Uint8Array(100))).rejects.toMatchObject({
        code: 'invalid-argument',
      });
      expect(await store.collectGarbage()).toBe(0);
      expect(await store.openCheckpoint('x')).toBeUndefined();
    });

    test('an estimate of too little room refuses nothing', async () => {
      const tight = await here.open({ estimate: async () => FIGURES });
      const samples = [sample('a', [20 * FIGURES.freeBytes])];
      const { record } = await importAll(tight, 'x', samples);
      expect(record?.state).toBe('complete');
      await expectReadable(tight, record ?? expect.unreachable(), samples);
      tight.close();
    });

    test('of two imports at once, one does the work', async () => {
      const samples = [sample('a', [150])];
      const other = await here.open();
      let imports = 0;
      const once = (session: CheckpointStore) =>
        session.withImportLock('x', async () => {
          if ((await session.openCheckpoint('x'))?.state === 'complete') return;
          imports++;
          await importAll(session, 'x', samples);
        });
      await Promise.all([once(store), once(other)]);
      expect(imports).toBe(1);
      other.close();
    });

    test('a value of the cache is there for another session, and for no other key', async () => {
      const bytes = Uint8Array.from({ length: 1000 }, (_, i) => i & 255);
      await store.cache.put('a key', bytes);
      await store.cache.put('empty', new Uint8Array());
      await store.collectGarbage();
      const other = await here.open();
      expect(await other.cache.get('a key')).toEqual(bytes);
      expect(await other.cache.get('empty')).toEqual(new Uint8Array());
      expect(await other.cache.get('another')).toBeUndefined();
      await other.cache.put('a key', bytes.subarray(0, 3));
      expect(await store.cache.get('a key')).toEqual(bytes.slice(0, 3));
      expect(await store.listCheckpoints()).toEqual([]);
      other.close();
    });

    test('the cache lets go of what was used longest ago, and takes nothing too large', async () => {
      const small = await here.open({ cacheBytes: 1000 });
      const kept = async (): Promise<string[]> => {
        const found: string[] = [];
        for (const key of ['a', 'b', 'c', 'd']) {
          if (await small.cache.get(key)) found.push(key);
        }
        return found;
      };
      for (const key of ['a', 'b', 'c']) await small.cache.put(key, value(200));
      expect(await kept()).toEqual(['a', 'b', 'c']);
      await small.cache.get('a');
      await small.cache.put('d', value(200));
      expect(await kept()).toEqual(['a', 'c', 'd']);
      await small.cache.put('b', value(1000));
      expect(await kept()).toEqual(['a', 'c', 'd']);
      await small.cache.put('b', value(600));
      expect(await kept()).toEqual(['b', 'd']);
      small.close();
    });

    test.each([
      ['damaged', Uint8Array.from({ length: 100 }, () => 48)],
      ['cut short', new Uint8Array(3)],
    ])('a value that is %s is not there', async (_, damage) => {
      await store.cache.put('a key', new Uint8Array(50));
      await here.overwriteValues(damage);
      expect(await store.cache.get('a key')).toBeUndefined();
      await store.cache.put('a key', Uint8Array.of(1));
      expect(await store.cache.get('a key')).toEqual(Uint8Array.of(1));
    });
  });
}
