/** @file The records in the browser's storage, read without the code that reads and writes weights: a page lists them. */
import { DATABASE_NAME } from './database-name.ts';
import {
  connectionFailure,
  isConnectionLost,
  openDatabase,
  query,
  readAllRecords,
} from './indexeddb-database.ts';
import type { StoredRecord } from './record.ts';

/**
 * All records, and what is left of damaged ones.
 * @throws ZoetropeError `feature-missing` where there is no IndexedDB; `storage-unavailable`, `storage-full`.
 */
export async function browserRecords(): Promise<StoredRecord[]> {
  try {
    // Where the browser was clearing the storage, what is there afterwards is the answer.
    return await readRecords().catch((error: unknown) => {
      if (isConnectionLost(error)) return readRecords();
      throw error;
    });
  } catch (error) {
    throw connectionFailure(error);
  }
}

async function readRecords(): Promise<StoredRecord[]> {
  const database = await openDatabase(DATABASE_NAME, () => undefined);
  try {
    const found = await query(database, 'checkpoints', readAllRecords);
    return found.map(({ record }) => record);
  } finally {
    database.close();
  }
}
