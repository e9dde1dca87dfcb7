/** @file The store on IndexedDB, in a browser. */
import { deleteDB, openDB } from 'idb';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { cdp } from 'vitest/browser';
import { isAbortError, ZoetropeError } from '../errors.ts';
import { freshDatabase } from '../testing/database-place.ts';
import { DamagedChunkError } from './failure.ts';
import { openBrowserStore } from './indexeddb-backend.ts';
import { openDatabase } from './indexeddb-database.ts';
import { browserEstimate, requestPersistence } from './quota.ts';
import { CheckpointReader } from './reader.ts';
import { sha256 } from './sha256.ts';
import { storeSuite } from './test-suite.ts';
import { CheckpointWriter } from './writer.ts';

/** What a sandboxed frame meets. */
function refuseAccess(): never {
  throw new DOMException('denied', 'SecurityError');
}

storeSuite('IndexedDB store', freshDatabase, 25);

test('the browser tells how much room there is', async () => {
  const place = await freshDatabase();
  const store = await place.open();
  const { usedBytes, freeBytes } = (await browserEstimate()) ?? {};
  expect(usedBytes).toBeGreaterThanOrEqual(0);
  expect(freeBytes).toBeGreaterThan(0);
  expect(typeof (await requestPersistence())).toBe('boolean');
  store.close();
  await place.remove();
});

test('an opaque origin is told that it has no storage', async () => {
  const { indexedDB } = globalThis;
  Object.defineProperty(globalThis, 'indexedDB', {
    configurable: true,
    value: { open: refuseAccess },
  });
  try {
    await expect(openBrowserStore()).rejects.toMatchObject({ code: 'feature-missing' });
  } finally {
    Object.defineProperty(globalThis, 'indexedDB', { configurable: true, value: indexedDB });
  }
});

describe('what keeps the database from being used is reported as what it is', () => {
  const name = `zoetrope-test-${crypto.randomUUID()}`;
  afterEach(() => deleteDB(name));

  test('a newer version of it', async () => {
    (await openDB(name, 3)).close();
    await expect(openBrowserStore({ name })).rejects.toMatchObject({
      code: 'storage-unavailable',
      message: expect.stringContaining('newer version'),
    });
  });

  test('an upgrade by another tab while it is open', async () => {
    const store = await openBrowserStore({ name });
    await store.put(Uint8Array.of(1));
    const other = await openDB(name, 3);
    await expect(store.put(Uint8Array.of(2))).rejects.toMatchObject({
      code: 'storage-unavailable',
      message: expect.stringContaining('newer version'),
    });
    other.close();
    store.close();
  });

  test('another tab that holds an older version of it', async () => {
    const other = await openDB(name, 1);
    const opening = openDatabase(name, () => undefined, { blockedMs: 100 });
    await expect(opening).rejects.toMatchObject({
      code: 'storage-unavailable',
      message: expect.stringContaining('Another tab'),
    });
    other.close();
  });

  test('a browser that does not answer', async () => {
    const holder = await openDB(name, 1);
    const opening = openDatabase(name, () => undefined, { openMs: 100 });
    await expect(opening).rejects.toMatchObject({
      code: 'storage-unavailable',
      message: expect.stringContaining('does not answer'),
    });
    holder.close();
  });

  test('missing parts', async () => {
    (await openDB(name, 2, { upgrade: (db) => void db.createObjectStore('chunks') })).close();
    await expect(openBrowserStore({ name })).rejects.toMatchObject({
      code: 'storage-unavailable',
      message: expect.stringContaining('damaged'),
    });
  });

  test.each([
    ['AbortError', 'storage-lost'],
    ['UnknownError', 'storage-unavailable'],
    ['NotReadableError', 'storage-unavailable'],
  ])('a transaction that ends by %s', async (kind, code) => {
    const store = await openBrowserStore({ name });
    const put = Reflect.get(IDBObjectStore.prototype, 'put');
    const spy = vi.spyOn(IDBObjectStore.prototype, 'put').mockImplementation(function failing(
      this: IDBObjectStore,
      value: unknown,
      key?: IDBValidKey,
    ) {
      if (kind !== 'AbortError') throw new DOMException('it failed', kind);
      const request = put.call(this, value, key);
      this.transaction.abort();
      return request;
    });
    const failure: unknown = await store.put(Uint8Array.of(1)).catch((error: unknown) => error);
    spy.mockRestore();
    expect(isAbortError(failure)).toBe(false);
    expect(failure).toMatchObject({ name: 'ZoetropeError', code });
    // The next use connects again.
    const hash = await store.put(Uint8Array.of(1));
    expect(await store.has(hash)).toBe(true);
    store.close();
  });

  test('records under keys of another type are damaged, and can be deleted', async () => {
    const store = await openBrowserStore({ name });
    const raw = await openDB(name);
    await raw.put('checkpoints', { id: 5 });
    raw.close();
    expect(await store.listRecords()).toMatchObject([{ id: '5', state: 'damaged' }]);
    await store.deleteCheckpoint('5');
    expect(await store.listRecords()).toEqual([]);
    store.close();
  });

  test('a list of chunks that claims to be long', async () => {
    const store = await openBrowserStore({ name });
    const raw = await openDB(name);
    const chunks: unknown[] = [];
    chunks.length = 4e9;
    await raw.put('checkpoints', { id: 'x', chunks, tensors: chunks });
    raw.close();
    const started = performance.now();
    expect(await store.listRecords()).toMatchObject([{ id: 'x', state: 'damaged' }]);
    expect(performance.now() - started).toBeLessThan(2000);
    await store.deleteCheckpoint('x');
    store.close();
  });

  test('data that the user clears in the browser', async () => {
    const store = await openBrowserStore({ name });
    const hash = await store.put(Uint8Array.of(1));
    const reads = Array.from({ length: 50 }, async () => store.read(hash, 0, 1));
    await cdp().send('Storage.clearDataForOrigin', {
      origin: location.origin,
      storageTypes: 'indexeddb',
    });
    for (const each of await Promise.allSettled(reads)) {
      if (each.status === 'fulfilled') continue;
      expect(each.reason).toBeInstanceOf(ZoetropeError);
    }
    expect(await store.has(hash)).toBe(false);
    expect(await store.listRecords()).toEqual([]);
    await expect(store.read(hash, 0, 1)).rejects.toMatchObject({ hash });
    expect(await store.put(Uint8Array.of(1))).toBe(hash);
    expect(await store.read(hash, 0, 1)).toEqual(Uint8Array.of(1));
    store.close();
  });

  test('data that the user clears while it is read again and again', async () => {
    const store = await openBrowserStore({ name });
    const failures: unknown[] = [];
    for (let round = 0; round < 5; round++) {
      const hash = await store.put(Uint8Array.of(round));
      const cleared = new AbortController();
      const clearing = cdp()
        .send('Storage.clearDataForOrigin', {
          origin: location.origin,
          storageTypes: 'indexeddb',
        })
        .finally(() => cleared.abort());
      while (!cleared.signal.aborted) {
        try {
          await store.read(hash, 0, 1);
        } catch (error) {
          failures.push(error);
        }
      }
      await clearing;
    }
    // The chunk is gone, or was lost on the way: nothing is wrong with the database.
    const others = failures.filter(
      (error) => !(error instanceof DamagedChunkError) && codeOf(error) !== 'storage-lost',
    );
    expect(others).toEqual([]);
    store.close();
  });
});

function codeOf(error: unknown): string | undefined {
  return error instanceof ZoetropeError ? error.code : undefined;
}

test('a database from before the cache keeps its checkpoints', async () => {
  const name = `zoetrope-test-${crypto.randomUUID()}`;
  const before = await openDB(name, 1, {
    upgrade(database) {
      database.createObjectStore('chunks');
      database.createObjectStore('checkpoints', { keyPath: 'id' });
    },
  });
  const bytes = Uint8Array.of(1, 2, 3);
  const hash = await sha256(bytes);
  await before.put('chunks', new Blob([bytes]), hash);
  before.close();
  const store = await openBrowserStore({ name });
  expect(await store.read(hash, 0, 3)).toEqual(bytes);
  await store.cache.put('a key', bytes);
  expect(await store.cache.get('a key')).toEqual(bytes);
  store.close();
  await deleteDB(name);
});

test('a cache without room, or closed, only forgets', async () => {
  const place = await freshDatabase();
  const store = await place.open();
  const limit = limitBlobs(0);
  await store.cache.put('a key', Uint8Array.of(1));
  limit.mockRestore();
  expect(await store.cache.get('a key')).toBeUndefined();
  store.close();
  await store.cache.put('a key', Uint8Array.of(1));
  expect(await store.cache.get('a key')).toBeUndefined();
  await place.remove();
});

/** Lets `count` more Blobs in, as a browser does that is about to run out of room. */
function limitBlobs(count: number): { mockRestore(): void } {
  const put = Reflect.get(IDBObjectStore.prototype, 'put');
  let left = count;
  return vi.spyOn(IDBObjectStore.prototype, 'put').mockImplementation(function limited(
    this: IDBObjectStore,
    value: unknown,
    key?: IDBValidKey,
  ) {
    const holdsBlob = [value, ...Object.values(value ?? {})].some((each) => each instanceof Blob);
    if (holdsBlob && left-- <= 0) throw new DOMException('', 'QuotaExceededError');
    return put.call(this, value, key);
  });
}

test('room that runs out halfway: earlier checkpoints stay, and the import goes on later', async () => {
  const MB = 1 << 20;
  const place = await freshDatabase();
  const store = await place.open();
  const data = new Uint8Array(8 * MB);
  for (let at = 0; at < data.length; at += 65536) {
    crypto.getRandomValues(data.subarray(at, at + 65536));
  }
  const parts = [{ name: 'data', byteLength: data.byteLength }];
  const spec = { name: 'w', storage: 'f16', dtype: 'F16', shape: [4 * MB], parts };
  const write = async (id: string, from: number) => {
    const identity = { id, source: 's', revision: 'r', format: 'f16' };
    const writer = await CheckpointWriter.open(store, identity, { chunkBytes: MB });
    const bytes = data.map((byte) => byte ^ from);
    await writer.append(spec, (_part, start) => bytes.subarray(start));
    return writer.finish();
  };
  const earlier = await write('earlier', 0);
  const limit = limitBlobs(3);
  try {
    await expect(write('later', 1)).rejects.toMatchObject({
      code: 'storage-full',
      message: expect.stringMatching(/^The storage, which holds .* has no room for 1\.0 MB more/),
    });
  } finally {
    limit.mockRestore();
  }
  // By hash: comparing so many elements one by one takes minutes.
  const kept = await new CheckpointReader(store, earlier).readTensor('w');
  expect(await sha256(kept)).toBe(await sha256(data));
  const half = await store.openCheckpoint('later');
  expect(half?.state).toBe('importing');
  expect(half?.totalBytes).toBe(3 * MB);
  expect((await write('later', 1)).state).toBe('complete');
  store.close();
  await place.remove();
});
