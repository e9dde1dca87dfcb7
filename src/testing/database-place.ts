/** @file A fresh IndexedDB database to store checkpoints in. */
import { deleteDB, openDB } from 'idb';
import { openBrowserStore } from '../store/indexeddb-backend.ts';
import type { Place } from '../store/test-suite.ts';

export async function freshDatabase(): Promise<Place> {
  const name = `zoetrope-test-${crypto.randomUUID()}`;
  return {
    open: (options = {}) => openBrowserStore({ ...options, name }),
    async overwrite(hash, bytes) {
      const db = await openDB(name);
      await db.put('chunks', new Blob([bytes]), hash);
      db.close();
    },
    async overwriteRecord(id, change) {
      const db = await openDB(name);
      const record: unknown = await db.get('checkpoints', id);
      await db.put('checkpoints', change(record as Record<string, unknown>));
      db.close();
    },
    clear: () => deleteDB(name),
    async overwriteValues(bytes) {
      const db = await openDB(name);
      for (const value of await db.getAll('values')) {
        await db.put('values', { ...value, bytes: new Blob([bytes]) });
      }
      db.close();
    },
    remove: () => deleteDB(name),
  };
}
