/** @file The store on IndexedDB, in a browser. */
import { deleteDB, openDB } from 'idb';
import { expect, test } from 'vitest';
import { openBrowserStore } from './indexeddb-backend.ts';
import { requestPersistence } from './quota.ts';
import { type Place, storeSuite } from './test-suite.ts';

async function freshDatabase(): Promise<Place> {
  const name = `zoetrope-test-${crypto.randomUUID()}`;
  return {
    open: (options = {}) => openBrowserStore({ ...options, name }),
    async overwrite(hash, bytes) {
      const db = await openDB(name);
      await db.put('chunks', new Blob([bytes]), hash);
      db.close();
    },
    remove: () => deleteDB(name),
  };
}

/** What a sandboxed frame meets. */
function refuseAccess(): never {
  throw new DOMException('denied', 'SecurityError');
}

storeSuite('IndexedDB store', freshDatabase, 5);

test('the browser tells how much room there is', async () => {
  const place = await freshDatabase();
  const store = await place.open();
  await store.checkQuota(1);
  await expect(store.checkQuota(1e18)).rejects.toMatchObject({ code: 'storage-full' });
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
