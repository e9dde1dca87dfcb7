/**
 * @file What a place to store checkpoints must do. Hashes are the caller's business: a backend takes names and bytes.
 * Records and chunks change together, so that no sweep can come between a chunk and the record that needs it. Records
 * are checked as they are read. Failures are `ZoetropeError`s, or say that there is no room (`isOutOfRoom`); what a
 * platform calls an abort is never passed on, because the caller did not ask for it.
 */
import type { StorageFigures } from './failure.ts';
import type { CheckpointRecord, StoredRecord } from './record.ts';

export interface NamedChunk {
  readonly hash: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

export interface StoreBackend {
  /** Tells this store from others: part of the names of its locks. */
  readonly name: string;

  hasChunk(hash: string): Promise<boolean>;
  /** Overwrites. */
  writeChunk(chunk: NamedChunk): Promise<void>;
  /** The whole chunk; undefined if it is not there. */
  openChunk(hash: string): Promise<Blob | undefined>;
  /** Bytes `start … end − 1`, fewer if the chunk is shorter; undefined if it is not there. */
  readChunk(hash: string, start: number, end: number): Promise<Uint8Array<ArrayBuffer> | undefined>;
  deleteChunk(hash: string): Promise<void>;

  record(id: string): Promise<StoredRecord | undefined>;
  records(): Promise<StoredRecord[]>;
  /**
   * Stores the chunk, unless it is there already, and then the record, as one step for everybody else. A tail of the
   * record before goes, unless it is used.
   * @throws RecordChangedError if the stored record's version is not one less (none or a damaged one counts as 0).
   */
  commit(record: CheckpointRecord, chunk?: NamedChunk): Promise<void>;
  /** Notes when the checkpoint was last used, leaving all else; a damaged one stays as it is. */
  touch(id: string, lastUsedAt: number): Promise<StoredRecord | undefined>;
  /** Removes the record, and then the chunks that no other record uses. */
  drop(id: string): Promise<void>;
  /** Removes what `orphanChunks` names, and what killed writes left. @returns How many chunks went. */
  sweep(): Promise<number>;

  /**
   * A value of the cache, which is apart from checkpoints; undefined if it is not there.
   * @param usedAt When it was used: now. Milliseconds since the epoch.
   */
  readValue(name: string, usedAt: number): Promise<Uint8Array<ArrayBuffer> | undefined>;
  /** Overwrites; then removes what was used longest ago, until no more than `capacityBytes` are left. */
  writeValue(
    name: string,
    bytes: Uint8Array<ArrayBuffer>,
    usedAt: number,
    capacityBytes: number,
  ): Promise<void>;
  deleteValue(name: string): Promise<void>;

  /** Undefined where it cannot be known. */
  estimate(): Promise<StorageFigures | undefined>;
  /** Runs `task` while nobody else, in any tab or process, holds the lock of this name. */
  lock<T>(name: string, task: () => Promise<T>, signal?: AbortSignal): Promise<T>;
  close(): void;
}
