/**
 * @file Checkpoints in IndexedDB. Chunks are Blobs: browsers keep those in files of their own, so that a slice is read
 * without the rest, and reading is three times as fast as with array buffers.
 */
import { type DBSchema, type IDBPDatabase, openDB } from 'idb';
import { ZoetropeError } from '../errors.ts';
import type { NamedChunk, StoreBackend } from './backend.ts';
import { CheckpointStore, type CheckpointStoreOptions } from './checkpoint-store.ts';
import { isOutOfRoom, recordChanged, type StorageFigures } from './failure.ts';
import { withSharedLock } from './locks.ts';
import { browserEstimate } from './quota.ts';
import { type CheckpointRecord, referencedChunks, unsharedChunks } from './record.ts';

interface Schema extends DBSchema {
  chunks: { key: string; value: Blob };
  checkpoints: { key: string; value: CheckpointRecord };
  values: { key: string; value: Value; indexes: { byUse: [number, number] } };
}

/** Of the cache. */
interface Value {
  readonly name: string;
  readonly usedAt: number;
  readonly byteLength: number;
  readonly bytes: Blob;
}

/** 2: with `values`. */
const VERSION = 2;
const BOTH = ['chunks', 'checkpoints'] as const;

/**
 * The checkpoints of this origin.
 * @param options.name Of the database.
 * @throws ZoetropeError `feature-missing` where there is no IndexedDB: some private windows, sandboxed frames.
 */
export async function openBrowserStore(
  options: CheckpointStoreOptions & { name?: string } = {},
): Promise<CheckpointStore> {
  return new CheckpointStore(await IndexedDbBackend.open(options.name ?? 'zoetrope'), options);
}

export class IndexedDbBackend implements StoreBackend {
  readonly name: string;
  readonly #db: IDBPDatabase<Schema>;

  private constructor(name: string, db: IDBPDatabase<Schema>) {
    this.name = name;
    this.#db = db;
  }

  /** @throws ZoetropeError `feature-missing`, `storage-full`. */
  static async open(name: string): Promise<IndexedDbBackend> {
    try {
      const db = await openDB<Schema>(name, VERSION, {
        upgrade(database, oldVersion) {
          if (oldVersion < 1) {
            database.createObjectStore('chunks');
            database.createObjectStore('checkpoints', { keyPath: 'id' });
          }
          const values = database.createObjectStore('values', { keyPath: 'name' });
          // Sizes in the key: making room reads no value.
          values.createIndex('byUse', ['usedAt', 'byteLength']);
        },
        // A newer version of the page in another tab, or a deletion of the database, goes first.
        blocking(_current, _blocked, event) {
          (event.target as IDBDatabase).close();
        },
      });
      return new IndexedDbBackend(name, db);
    } catch (cause) {
      throw noStorage(cause);
    }
  }

  async hasChunk(hash: string): Promise<boolean> {
    return (await this.#db.getKey('chunks', hash)) !== undefined;
  }

  async writeChunk({ hash, bytes }: NamedChunk): Promise<void> {
    await this.#db.put('chunks', new Blob([bytes]), hash);
  }

  openChunk(hash: string): Promise<Blob | undefined> {
    return this.#db.get('chunks', hash);
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
      if (error instanceof DOMException && error.name !== 'AbortError') return undefined;
      throw error;
    }
  }

  deleteChunk(hash: string): Promise<void> {
    return this.#db.delete('chunks', hash);
  }

  record(id: string): Promise<CheckpointRecord | undefined> {
    return this.#db.get('checkpoints', id);
  }

  records(): Promise<CheckpointRecord[]> {
    return this.#db.getAll('checkpoints');
  }

  async commit(record: CheckpointRecord, chunk?: NamedChunk): Promise<void> {
    // Made before the transaction: one that waits for anything but the database commits by itself.
    const blob = chunk && new Blob([chunk.bytes]);
    const transaction = this.#db.transaction(BOTH, 'readwrite', { durability: 'strict' });
    const chunks = transaction.objectStore('chunks');
    const checkpoints = transaction.objectStore('checkpoints');
    // Awaited below; handled here too, in case a request fails first.
    const done = transaction.done;
    done.catch(() => undefined);
    try {
      const present = await checkpoints.get(record.id);
      if ((present?.version ?? 0) !== record.version - 1) throw recordChanged(record.id);
      if (chunk && blob && (await chunks.getKey(chunk.hash)) === undefined) {
        await chunks.put(blob, chunk.hash);
      }
      await checkpoints.put(record);
    } catch (error) {
      abortQuietly(transaction);
      // Once the room is used up, requests fail with AbortError, and the reason is the transaction's.
      throw transaction.error ?? error;
    }
    await done;
  }

  async touch(id: string, lastUsedAt: number): Promise<CheckpointRecord | undefined> {
    const transaction = this.#db.transaction('checkpoints', 'readwrite');
    const record = await transaction.store.get(id);
    const used = record && { ...record, lastUsedAt };
    try {
      if (used) await transaction.store.put(used);
      await transaction.done;
    } catch (error) {
      transaction.done.catch(() => undefined);
      // With no room left, a checkpoint must still open.
      if (!isOutOfRoom(transaction.error ?? error)) throw error;
    }
    return used;
  }

  async drop(id: string): Promise<void> {
    const transaction = this.#db.transaction(BOTH, 'readwrite');
    const checkpoints = transaction.objectStore('checkpoints');
    const record = await checkpoints.get(id);
    if (record) {
      await checkpoints.delete(id);
      const freed = unsharedChunks(record, await checkpoints.getAll());
      const chunks = transaction.objectStore('chunks');
      await Promise.all(freed.map((hash) => chunks.delete(hash)));
    }
    await transaction.done;
  }

  async sweep(): Promise<number> {
    const transaction = this.#db.transaction(BOTH, 'readwrite');
    const used = referencedChunks(await transaction.objectStore('checkpoints').getAll());
    const chunks = transaction.objectStore('chunks');
    const orphans = (await chunks.getAllKeys()).filter((hash) => !used.has(hash));
    await Promise.all(orphans.map((hash) => chunks.delete(hash)));
    await transaction.done;
    return orphans.length;
  }

  async readValue(name: string, usedAt: number): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const transaction = this.#db.transaction('values', 'readwrite');
    transaction.done.catch(() => undefined);
    const value = await transaction.store.get(name);
    try {
      if (value) await transaction.store.put({ ...value, usedAt });
      await transaction.done;
    } catch {
      // With no room left to note its use, it can still be read.
    }
    return value && new Uint8Array(await value.bytes.arrayBuffer());
  }

  async writeValue(
    name: string,
    bytes: Uint8Array<ArrayBuffer>,
    usedAt: number,
    capacityBytes: number,
  ): Promise<void> {
    const { byteLength } = bytes;
    const value = { name, usedAt, byteLength, bytes: new Blob([bytes]) };
    const transaction = this.#db.transaction('values', 'readwrite');
    // Awaited below; handled here too, in case a request fails first.
    transaction.done.catch(() => undefined);
    await transaction.store.put(value);
    let total = 0;
    let cursor = await transaction.store.index('byUse').openKeyCursor(null, 'prev');
    while (cursor) {
      total += cursor.key[1];
      if (total > capacityBytes) await transaction.store.delete(cursor.primaryKey);
      cursor = await cursor.continue();
    }
    await transaction.done;
  }

  deleteValue(name: string): Promise<void> {
    return this.#db.delete('values', name);
  }

  estimate(): Promise<StorageFigures | undefined> {
    return browserEstimate();
  }

  lock<T>(name: string, task: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    return withSharedLock(`zoetrope store ${this.name}: ${name}`, task, signal);
  }

  close(): void {
    this.#db.close();
  }
}

function abortQuietly(transaction: { abort(): void }): void {
  try {
    transaction.abort();
  } catch {
    // It has ended already.
  }
}

function noStorage(cause: unknown): ZoetropeError {
  if (isOutOfRoom(cause)) {
    return new ZoetropeError(
      'storage-full',
      'The browser has no room for the database of stored models.',
      'Free disk space, then try again.',
      { cause },
    );
  }
  return new ZoetropeError(
    'feature-missing',
    'This page cannot use IndexedDB, so models cannot be stored.',
    'Leave the private window, allow site data for this page, or open it outside the frame it is in.',
    { cause },
  );
}
