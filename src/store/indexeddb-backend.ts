/**
 * @file Checkpoints in IndexedDB. Chunks are Blobs: browsers keep those in files of their own, so that a slice is read
 * without the rest, and reading is three times as fast as with array buffers.
 */
import type { StoreBackend, NamedChunk } from './backend.ts';
import { CheckpointStore, type CheckpointStoreOptions } from './checkpoint-store.ts';
import { DATABASE_NAME } from './database-name.ts';
import {
  isOutOfRoom,
  RecordChangedError,
  type StorageFigures,
  storageUnavailable,
} from './failure.ts';
import {
  connectionFailure,
  type Database,
  isConnectionLost,
  openDatabase,
  query,
  readAllRecords,
} from './indexeddb-database.ts';
import { withSharedLock } from './locks.ts';
import { browserEstimate } from './quota.ts';
import {
  type CheckpointRecord,
  isDamaged,
  orphanChunks,
  type StoredRecord,
  unsharedChunks,
} from './record.ts';
import { readRecord } from './record-check.ts';

const BOTH = ['chunks', 'checkpoints'] as const;

/**
 * The checkpoints of this origin.
 * @param options.name Of the database.
 * @throws ZoetropeError `feature-missing` where there is no IndexedDB: some private windows, sandboxed frames;
 *   `storage-unavailable` where it cannot be opened now, such as after a newer version of the page; `storage-full`.
 */
export async function openBrowserStore(
  options: CheckpointStoreOptions & { name?: string } = {},
): Promise<CheckpointStore> {
  return new CheckpointStore(await IndexedDbBackend.open(options.name ?? DATABASE_NAME), options);
}

export class IndexedDbBackend implements StoreBackend {
  readonly name: string;
  /** Undefined after the browser or another tab ended the connection: the next call opens another. */
  #database: Promise<Database> | undefined;
  #isClosed = false;

  private constructor(name: string) {
    this.name = name;
  }

  /** @throws ZoetropeError `feature-missing`, `storage-unavailable`, `storage-full`. */
  static async open(name: string): Promise<IndexedDbBackend> {
    const backend = new IndexedDbBackend(name);
    await backend.#connect();
    return backend;
  }

  #connect(): Promise<Database> {
    if (this.#isClosed) {
      return Promise.reject(
        storageUnavailable('This store is closed.', 'Open it again with openBrowserStore.'),
      );
    }
    if (this.#database) return this.#database;
    const forget = (): void => {
      if (this.#database === opening) this.#database = undefined;
    };
    const opening = openDatabase(this.name, forget);
    this.#database = opening;
    opening.catch(forget);
    return opening;
  }

  /**
   * Runs `task` on the database, connected again if the connection was lost before.
   * @param isRead Whether it can be repeated although it had begun.
   */
  async #use<T>(task: (database: Database) => Promise<T>, isRead = false): Promise<T> {
    for (let isFirst = true; ; isFirst = false) {
      const opening = this.#connect();
      const database = await opening;
      try {
        return await task(database);
      } catch (error) {
        const isLost = isConnectionLost(error);
        if (isLost && this.#database === opening) {
          this.#database = undefined;
          database.close();
        }
        // A transaction that could not begin has changed nothing.
        const canRepeat = isRead || (error as Error).name === 'InvalidStateError';
        if (!isLost || !isFirst || !canRepeat) throw connectionFailure(error);
      }
    }
  }

  hasChunk(hash: string): Promise<boolean> {
    return this.#use(async (db) => {
      const key = await query(db, 'chunks', (chunks) => chunks.getKey(hash));
      return key !== undefined;
    }, true);
  }

  writeChunk({ hash, bytes }: NamedChunk): Promise<void> {
    return this.#use(async (db) => {
      const blob = new Blob([bytes]);
      const transaction = db.transaction('chunks', 'readwrite');
      await committed(transaction, () => transaction.store.put(blob, hash));
    });
  }

  openChunk(hash: string): Promise<Blob | undefined> {
    return this.#use((db) => query(db, 'chunks', (chunks) => chunks.get(hash)), true);
  }

  async readChunk(
    hash: string,
    start: number,
    end: number,
  ): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const blob = await this.openChunk(hash);
    if (!blob) return undefined;
    try {
      return new Uint8Array(await blob.slice(start, end).arrayBuffer());
    } catch (error) {
      // The Blob's file is gone although the database lists it.
      if (error instanceof DOMException || !(blob instanceof Blob)) return undefined;
      throw error;
    }
  }

  deleteChunk(hash: string): Promise<void> {
    return this.#use((db) => db.delete('chunks', hash));
  }

  record(id: string): Promise<StoredRecord | undefined> {
    return this.#use(async (db) => {
      const value = await query(db, 'checkpoints', (records) => records.get(id));
      return value === undefined ? undefined : readRecord(id, value);
    }, true);
  }

  records(): Promise<StoredRecord[]> {
    return this.#use(async (db) => {
      const found = await query(db, 'checkpoints', readAllRecords);
      return found.map(({ record }) => record);
    }, true);
  }

  commit(record: CheckpointRecord, chunk?: NamedChunk): Promise<void> {
    return this.#use((db) => commit(db, record, chunk));
  }

  touch(id: string, lastUsedAt: number): Promise<StoredRecord | undefined> {
    return this.#use(async (db) => {
      const transaction = db.transaction('checkpoints', 'readwrite');
      // Awaited below; handled here too, in case a request fails first.
      transaction.done.catch(() => undefined);
      const value = await transaction.store.get(id);
      const record = value === undefined ? undefined : readRecord(id, value);
      if (!record || isDamaged(record)) return record;
      const used = { ...record, lastUsedAt };
      try {
        await transaction.store.put(used);
        await transaction.done;
      } catch (error) {
        const cause = transaction.error ?? error;
        // With no room left, a checkpoint must still open.
        if (!isOutOfRoom(cause)) throw cause;
      }
      return used;
    });
  }

  drop(id: string): Promise<void> {
    return this.#use(async (db) => {
      const transaction = db.transaction(BOTH, 'readwrite');
      transaction.done.catch(() => undefined);
      const checkpoints = transaction.objectStore('checkpoints');
      const all = await readAllRecords(checkpoints);
      const dropped = all.find(({ record }) => record.id === id);
      if (dropped) {
        await checkpoints.delete(dropped.key);
        const others = all.filter((each) => each !== dropped).map(({ record }) => record);
        const chunks = transaction.objectStore('chunks');
        // A damaged record may not have named all that was its own.
        const freed = isDamaged(dropped.record)
          ? orphanChunks(others, await chunks.getAllKeys())
          : unsharedChunks(dropped.record, others);
        await Promise.all(freed.map((hash) => chunks.delete(hash)));
      }
      await transaction.done;
    });
  }

  sweep(): Promise<number> {
    return this.#use(async (db) => {
      const transaction = db.transaction(BOTH, 'readwrite');
      transaction.done.catch(() => undefined);
      const all = await readAllRecords(transaction.objectStore('checkpoints'));
      const chunks = transaction.objectStore('chunks');
      const records = all.map(({ record }) => record);
      const orphans = orphanChunks(records, await chunks.getAllKeys());
      await Promise.all(orphans.map((hash) => chunks.delete(hash)));
      await transaction.done;
      return orphans.length;
    });
  }

  readValue(name: string, usedAt: number): Promise<Uint8Array<ArrayBuffer> | undefined> {
    return this.#use(async (db) => {
      const transaction = db.transaction('values', 'readwrite');
      transaction.done.catch(() => undefined);
      const value = await transaction.store.get(name);
      try {
        if (value) await transaction.store.put({ ...value, usedAt });
        await transaction.done;
      } catch {
        // With no room left to note its use, it can still be read.
      }
      return value && new Uint8Array(await value.bytes.arrayBuffer());
    });
  }

  writeValue(
    name: string,
    bytes: Uint8Array<ArrayBuffer>,
    usedAt: number,
    capacityBytes: number,
  ): Promise<void> {
    return this.#use(async (db) => {
      const { byteLength } = bytes;
      const value = { name, usedAt, byteLength, bytes: new Blob([bytes]) };
      const transaction = db.transaction('values', 'readwrite');
      await committed(transaction, async () => {
        await transaction.store.put(value);
        let total = 0;
        let cursor = await transaction.store.index('byUse').openKeyCursor(null, 'prev');
        while (cursor) {
          total += cursor.key[1];
          if (total > capacityBytes) await transaction.store.delete(cursor.primaryKey);
          cursor = await cursor.continue();
        }
      });
    });
  }

  deleteValue(name: string): Promise<void> {
    return this.#use((db) => db.delete('values', name));
  }

  estimate(): Promise<StorageFigures | undefined> {
    return browserEstimate();
  }

  lock<T>(name: string, task: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    return withSharedLock(`zoetrope store ${this.name}: ${name}`, task, signal);
  }

  close(): void {
    this.#isClosed = true;
    this.#database?.then(
      (database) => database.close(),
      () => undefined,
    );
  }
}

async function commit(
  database: Database,
  record: CheckpointRecord,
  chunk: NamedChunk | undefined,
): Promise<void> {
  // Made before the transaction: one that waits for anything but the database commits by itself.
  const blob = chunk && new Blob([chunk.bytes]);
  const transaction = database.transaction(BOTH, 'readwrite', { durability: 'strict' });
  const chunks = transaction.objectStore('chunks');
  const checkpoints = transaction.objectStore('checkpoints');
  await committed(transaction, async () => {
    const value = await checkpoints.get(record.id);
    const found = value === undefined ? undefined : readRecord(record.id, value);
    const present = found && !isDamaged(found) ? found : undefined;
    if ((present?.version ?? 0) !== record.version - 1) throw new RecordChangedError(record.id);
    if (chunk && blob && (await chunks.getKey(chunk.hash)) === undefined) {
      await chunks.put(blob, chunk.hash);
    }
    await checkpoints.put(record);
    if (present?.tail) {
      const all = (await readAllRecords(checkpoints)).map((each) => each.record);
      for (const hash of unsharedChunks(present, all)) await chunks.delete(hash);
    }
  });
}

/** Runs `change` in the transaction, and waits until it is committed. A failure leaves nothing of it. */
async function committed(
  transaction: { readonly done: Promise<void>; readonly error: unknown; abort(): void },
  change: () => Promise<unknown>,
): Promise<void> {
  const { done } = transaction;
  // Awaited below; handled here too, in case a request fails first.
  done.catch(() => undefined);
  try {
    await change();
  } catch (error) {
    abortQuietly(transaction);
    // Once the room is used up, requests fail with AbortError, and the reason is the transaction's.
    throw transaction.error ?? error;
  }
  await done;
}

function abortQuietly(transaction: { abort(): void }): void {
  try {
    transaction.abort();
  } catch {
    // It has ended already.
  }
}
