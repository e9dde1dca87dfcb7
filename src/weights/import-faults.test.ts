/** @file Imports from a hub that damages and breaks off, cut short in any way, any number of times. */
import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { isAbortError, ZoetropeError } from '../errors.ts';
import { openCheckpoint } from '../families/open-checkpoint.ts';
import { checkedFiles } from '../store/checked-files.ts';
import { CheckpointStore } from '../store/checkpoint-store.ts';
import { FolderBackend } from '../store/folder-backend.ts';
import type { CheckpointRecord } from '../store/record.ts';
import { freshFolderPath } from '../testing/folder-place.ts';
import { type HubServer, startHubServer } from '../testing/hub-server.ts';
import { type Fault, folderFiles, type ServedFile } from '../testing/hub-server-send.ts';
import { shardEncoder, shardName } from '../testing/sharded-encoder.ts';
import { HubSource } from './hub-source.ts';
import { verifyRecord } from './verify-record.ts';

const COMMIT = 'd'.repeat(40);
const QUICK = { attempts: 2, firstWaitMs: 1, longestWaitMs: 2, stallMs: 3000 };
/** Cuts the text encoder into some ten chunks. */
const CHUNK_BYTES = 64 * 1024;

let hub: HubServer;
let shards: readonly ServedFile[];
/** The hashes of the chunks that an import without faults leaves. */
let rightHashes: readonly string[];
let allBytes: number;

/** What goes wrong in one import; null: not that. */
interface Faults {
  /** A bit flips on its way, in a shard, at so many thousandths of it, so many times. */
  readonly flip: { readonly shard: number; readonly at: number; readonly times: number } | null;
  /** The store is gone after so many writes, as if the process had ended. */
  readonly killAfter: number | null;
  /** The user pauses after so many bytes. */
  readonly pauseAfter: number | null;
  /** So many answers break off after so many bytes, from this one on. */
  readonly broken: { readonly from: number; readonly times: number; readonly after: number } | null;
}

const FAULTS: fc.Arbitrary<Faults> = fc.record({
  flip: fc.option(
    fc.record({ shard: fc.nat(1), at: fc.integer({ min: 20, max: 1000 }), times: fc.nat(3) }),
  ),
  killAfter: fc.option(fc.nat(16), { freq: 2 }),
  pauseAfter: fc.option(fc.nat(900_000), { freq: 2 }),
  broken: fc.option(fc.record({ from: fc.nat(20), times: fc.nat(5), after: fc.nat(100_000) }), {
    freq: 2,
  }),
});

class Killed extends Error {}

/** A store that is gone after so many writes: nothing that is asked of it later happens. */
async function openStore(folder: string, writes = Infinity): Promise<CheckpointStore> {
  const backend = await FolderBackend.open(folder);
  let left = writes;
  const mortal = new Proxy(backend, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== 'function') return value;
      return (...args: unknown[]): unknown => {
        if (name === 'commit' || name === 'writeChunk') left--;
        const isAlive = left >= 0 || name === 'lock' || name === 'close';
        return isAlive ? Reflect.apply(value, target, args) : Promise.reject(new Killed());
      };
    },
  });
  return new CheckpointStore(mortal);
}

function source(): HubSource {
  const reference = { repository: 'someone/sharded', revision: undefined, path: '' };
  return new HubSource(reference, { hubUrl: hub.url, retry: QUICK });
}

function faultsOfHub({ flip, broken }: Faults): HubServer['fault'] {
  const file = shards[flip?.shard ?? 0];
  const position = Math.floor(((flip?.at ?? 0) / 1000) * ((file?.size ?? 0) - 1));
  let flipsLeft = flip?.times ?? 0;
  let brokenLeft = broken?.times ?? 0;
  let answers = 0;
  return ({ server, range, url }): Fault | undefined => {
    if (server !== 'cdn') return undefined;
    answers++;
    if (broken && answers > broken.from && brokenLeft-- > 0) return { cutAfter: broken.after };
    const [, first = '0', last = '0'] = /^bytes=(\d+)-(\d+)$/.exec(range ?? '') ?? [];
    const isHit = position >= Number(first) && position <= Number(last);
    if (!isHit || !url.includes(file?.oid ?? '?') || flipsLeft-- <= 0) return undefined;
    return { flips: position };
  };
}

/** @returns Why it stopped; undefined if it did not. */
async function importModel(folder: string, faults?: Faults): Promise<unknown> {
  if (faults) hub.fault = faultsOfHub(faults);
  const store = await openStore(folder, faults?.killAfter ?? undefined);
  const pause = new AbortController();
  let bytes = 0;
  try {
    const model = await openCheckpoint(source());
    const onBytes = (more: number): void => {
      bytes += more;
      if (bytes > (faults?.pauseAfter ?? Infinity)) pause.abort();
    };
    const { signal } = pause;
    const options = { store, chunkBytes: CHUNK_BYTES, signal, onBytes };
    await model.fetch('text_encoder', { linear: 'float32' }, options);
  } catch (error) {
    return error;
  } finally {
    hub.fault = () => undefined;
    store.close();
  }
  // What was fetched twice counts once, and what was kept counts too.
  allBytes ||= bytes;
  expect(bytes).toBe(allBytes);
  return undefined;
}

async function recordIn(store: CheckpointStore): Promise<CheckpointRecord> {
  const records = await store.listCheckpoints();
  expect(records.map(({ state }) => state)).toEqual(['complete']);
  return records[0] ?? expect.unreachable();
}

const hashesOf = (record: CheckpointRecord): string[] => record.chunks.map(({ hash }) => hash);

beforeAll(async () => {
  const files = await shardEncoder(await folderFiles('models/pocket'));
  shards = [1, 2].map((i) => files.get(`text_encoder/${shardName(i)}`) ?? expect.unreachable());
  hub = await startHubServer([
    { name: 'someone/sharded', commits: { [COMMIT]: files }, revisions: { main: COMMIT } },
  ]);
  await using place = await freshFolderPath();
  expect(await importModel(place.folder)).toBeUndefined();
  rightHashes = hashesOf(await recordIn(await openStore(place.folder)));
});

afterAll(() => hub.close());

test('an import that is damaged, broken off, paused and killed ends right, or as one that verify mends', async () => {
  const imports = fc.array(FAULTS, { minLength: 1, maxLength: 5 });
  await fc.assert(
    fc.asyncProperty(imports, async (all) => {
      await using place = await freshFolderPath();
      const { folder } = place;
      for (const faults of all) {
        const error = await importModel(folder, faults);
        const isExpected = error instanceof Killed || error instanceof ZoetropeError;
        if (error !== undefined && !isExpected && !isAbortError(error)) throw error;
      }
      expect(await importModel(folder)).toBeUndefined();
      const store = await openStore(folder);
      const record = await recordIn(store);
      const files = checkedFiles(record);
      if (hashesOf(record).join() !== rightHashes.join()) {
        // What arrived before the import was cut short was not compared, and the record says so.
        expect(files.map(({ state }) => state)).toContain('ranges');
        const verified = await verifyRecord(store, record, { open: () => source() });
        for (const [i, { outcome }] of verified.entries()) {
          const isNoted = outcome === 'whole' || files[i]?.state === 'ranges';
          expect([outcome, isNoted]).toEqual([expect.stringMatching(/^(whole|damaged)$/), true]);
        }
        expect(await importModel(folder)).toBeUndefined();
      }
      const last = await recordIn(store);
      expect(hashesOf(last)).toEqual(rightHashes);
      for (const { hash } of last.chunks) await store.get(hash, { verify: true });
      store.close();
    }),
    { numRuns: 4 },
  );
});
