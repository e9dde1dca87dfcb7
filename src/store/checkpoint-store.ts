/**
 * @file Checkpoints in chunks by hash, on any backend. A chunk is hashed when it is written and again when a session
 * first reads it: storage that lost a bit is noticed before a wrong weight reaches a graph, and only the chunk that
 * lost it needs to be fetched again.
 */
import { invalidArgument, modelFormat } from '../errors.ts';
import type { StoreBackend } from './backend.ts';
import {
  DamagedChunkError,
  isOutOfRoom,
  type StorageFigures,
  StorageFullError,
} from './failure.ts';
import { Limiter } from './limiter.ts';
import {
  type CheckpointRecord,
  type DamagedRecord,
  isDamaged,
  MAX_CHUNK_BYTES,
  type StoredRecord,
} from './record.ts';
import { sha256 } from './sha256.ts';
import { ValueCache } from './value-cache.ts';

/** Verifying holds whole chunks in RAM, so few at a time. */
const VERIFICATIONS_IN_FLIGHT = 2;

/** Chunks by the SHA-256 of their bytes, in lower-case hex. */
export interface ChunkStore {
  has(hash: string): Promise<boolean>;
  /**
   * Stores at most 64 MB; does nothing if the chunk is there. A chunk that no checkpoint uses goes at the next
   * `collectGarbage`.
   * @returns The chunk's hash.
   * @throws ZoetropeError `storage-full`.
   */
  put(bytes: Uint8Array<ArrayBuffer>): Promise<string>;
  /**
   * @param options.verify Whether to check the bytes even if this session has done so; else it is done once.
   * @throws DamagedChunkError (`model-format`).
   */
  get(hash: string, options?: { verify?: boolean }): Promise<Blob>;
  /**
   * Bytes `start … end − 1` of the chunk, in a buffer of its own.
   * @throws DamagedChunkError (`model-format`).
   */
  read(hash: string, start: number, end: number): Promise<Uint8Array<ArrayBuffer>>;
  delete(hash: string): Promise<void>;
}

export interface CheckpointStoreOptions {
  /** Stands in for the backend's own estimate of room, which failed writes report. */
  estimate?: () => Promise<StorageFigures | undefined>;
  /** Bytes of all values of the cache. */
  cacheBytes?: number;
}

export class CheckpointStore implements ChunkStore {
  /** Small values in the same place, which are no checkpoint's. */
  readonly cache: ValueCache;
  readonly #backend: StoreBackend;
  readonly #estimate: () => Promise<StorageFigures | undefined>;
  readonly #verified = new Map<string, Promise<void>>();
  readonly #verifying = new Limiter(VERIFICATIONS_IN_FLIGHT);

  constructor(backend: StoreBackend, options: CheckpointStoreOptions = {}) {
    this.#backend = backend;
    this.cache = new ValueCache(backend, options.cacheBytes);
    this.#estimate = options.estimate ?? (() => backend.estimate());
  }

  has(hash: string): Promise<boolean> {
    return this.#backend.hasChunk(hash);
  }

  async put(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
    const hash = await this.#nameOf(bytes);
    if (!(await this.has(hash))) {
      await this.#writing(bytes.byteLength, () => this.#backend.writeChunk({ hash, bytes }));
    }
    return hash;
  }

  async get(hash: string, options?: { verify?: boolean }): Promise<Blob> {
    if (options?.verify === true) this.#verified.delete(hash);
    await this.#verifyOnce(hash);
    const blob = await this.#backend.openChunk(hash);
    if (!blob) throw this.#missing(hash);
    return blob;
  }

  async read(hash: string, start: number, end: number): Promise<Uint8Array<ArrayBuffer>> {
    await this.#verifyOnce(hash);
    const bytes = await this.#backend.readChunk(hash, start, end);
    if (!bytes) throw this.#missing(hash);
    if (bytes.byteLength !== end - start) {
      throw new DamagedChunkError(hash, `ends before byte ${end}`);
    }
    return bytes;
  }

  async delete(hash: string): Promise<void> {
    this.#verified.delete(hash);
    await this.#backend.deleteChunk(hash);
  }

  /**
   * Puts the right bytes in place of a damaged or missing chunk.
   * @throws ZoetropeError `model-format` if the bytes are not the chunk's either, `storage-full`.
   */
  async repairChunk(hash: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    const actual = await this.#nameOf(bytes);
    if (actual !== hash) {
      throw modelFormat(
        `The bytes to repair chunk ${hash} with have the hash ${actual}.`,
        'The source has changed since the import: delete the checkpoint and import it again.',
      );
    }
    await this.#writing(bytes.byteLength, () => this.#backend.writeChunk({ hash, bytes }));
    this.#verified.delete(hash);
  }

  /** All checkpoints, complete or half-made, the last used first. Damaged ones are left out. */
  async listCheckpoints(): Promise<CheckpointRecord[]> {
    return (await this.listRecords())
      .filter((record) => !isDamaged(record))
      .sort((a, b) => b.lastUsedAt - a.lastUsedAt);
  }

  /** All records, and what is left of damaged ones. */
  listRecords(): Promise<StoredRecord[]> {
    return this.#backend.records();
  }

  /**
   * The checkpoint, noted as used now; undefined if it is not there or damaged. Look at its `state` before reading it.
   */
  async openCheckpoint(id: string): Promise<CheckpointRecord | undefined> {
    return soundOnly(await this.#backend.touch(id, Date.now()));
  }

  /** Removes a checkpoint and the chunks that no other, complete or importing, shares. Does nothing if it is gone. */
  async deleteCheckpoint(id: string): Promise<void> {
    await this.#backend.drop(id);
    this.#verified.clear();
  }

  /** Removes chunks that no checkpoint uses, such as a deletion cut short leaves. @returns How many went. */
  async collectGarbage(): Promise<number> {
    const removed = await this.#backend.sweep();
    this.#verified.clear();
    return removed;
  }

  /**
   * Stores a record, and the chunk or tail that it uses, together. For `CheckpointWriter`.
   * @throws ZoetropeError `storage-full`; RecordChangedError if the record was changed meanwhile.
   */
  async commit(record: CheckpointRecord, bytes?: Uint8Array<ArrayBuffer>): Promise<void> {
    const { hash } = record.tail ?? record.chunks.at(-1) ?? {};
    const chunk = bytes && hash !== undefined ? { hash, bytes } : undefined;
    await this.#writing(bytes?.byteLength ?? 0, () => this.#backend.commit(record, chunk));
  }

  /** The record without noting its use; undefined if it is not there or damaged. */
  async peekCheckpoint(id: string): Promise<CheckpointRecord | undefined> {
    return soundOnly(await this.#backend.record(id));
  }

  /** What is left of the checkpoint's record if that is damaged. An import under the same id replaces it. */
  async damagedCheckpoint(id: string): Promise<DamagedRecord | undefined> {
    const record = await this.#backend.record(id);
    return record && isDamaged(record) ? record : undefined;
  }

  /**
   * Runs `task` while no other tab or process imports the same checkpoint; waits for one that does. `task` should look
   * whether the checkpoint is complete by then.
   * @throws AbortError if `signal` aborts while waiting.
   */
  withImportLock<T>(id: string, task: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    return this.#backend.lock(`import ${id}`, task, signal);
  }

  /** Lets go of the database or folder; the store cannot be used afterwards. */
  close(): void {
    this.#backend.close();
  }

  async #nameOf(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
    if (bytes.byteLength > MAX_CHUNK_BYTES) {
      throw invalidArgument(
        'bytes',
        `a chunk of ${bytes.byteLength} bytes is longer than ${MAX_CHUNK_BYTES}.`,
        'Split it.',
      );
    }
    return sha256(bytes);
  }

  async #writing(neededBytes: number, write: () => Promise<void>): Promise<void> {
    try {
      await write();
    } catch (error) {
      if (!isOutOfRoom(error)) throw error;
      throw new StorageFullError(neededBytes, await this.#estimate().catch(() => undefined), error);
    }
  }

  /** Concurrent first reads of a chunk share one verification; a failure is not remembered, so a repair counts. */
  #verifyOnce(hash: string): Promise<void> {
    const known = this.#verified.get(hash);
    if (known) return known;
    const verification = this.#verifying.run(() => this.#verify(hash));
    this.#verified.set(hash, verification);
    verification.catch(() => {
      if (this.#verified.get(hash) === verification) this.#verified.delete(hash);
    });
    return verification;
  }

  async #verify(hash: string): Promise<void> {
    const bytes = await this.#backend.readChunk(hash, 0, MAX_CHUNK_BYTES + 1);
    if (!bytes) throw this.#missing(hash);
    const actual = await sha256(bytes);
    if (actual !== hash) throw new DamagedChunkError(hash, `is damaged: its hash is now ${actual}`);
  }

  #missing(hash: string): DamagedChunkError {
    return new DamagedChunkError(hash, 'is missing');
  }
}

function soundOnly(record: StoredRecord | undefined): CheckpointRecord | undefined {
  return record === undefined || isDamaged(record) ? undefined : record;
}
