/** @file The store's failures, each with the figures or the chunk that a caller needs to act. */
import { ZoetropeError } from '../errors.ts';
import { formatBytes } from '../format-bytes.ts';

/** Room in the browser's storage, or on the disk, in bytes. */
export interface StorageFigures {
  readonly usedBytes: number;
  readonly freeBytes: number;
}

/** A chunk that is not there, or whose bytes are not what its name says. Fetch `hash` again and repair it. */
export class DamagedChunkError extends ZoetropeError {
  override name = 'DamagedChunkError';
  /** SHA-256 that the chunk should have, in lower-case hex. */
  readonly hash: string;

  constructor(hash: string, problem: string, cause?: unknown) {
    super(
      'model-format',
      `Chunk ${hash} of a stored checkpoint ${problem}.`,
      'Fetch this chunk again, or delete the checkpoint and import it again.',
      cause === undefined ? undefined : { cause },
    );
    this.hash = hash;
  }
}

/** A page that may store no more than this in all can keep no model. */
const TINY_BYTES = 1_000_000;

/** A write that found no more room. What was stored before it is kept. */
export class StorageFullError extends ZoetropeError {
  /** Bytes of the write that failed. */
  readonly neededBytes: number;
  /** Bytes that the whole place holds; undefined where that is not known. */
  readonly usedBytes: number | undefined;

  /** @param figures Absent where the browser does not say. What it calls free was just disproved. */
  constructor(neededBytes: number, figures: StorageFigures | undefined, cause?: unknown) {
    const used = figures ? `, which holds ${formatBytes(figures.usedBytes)}` : '';
    const isTiny = figures !== undefined && figures.freeBytes + figures.usedBytes < TINY_BYTES;
    super(
      'storage-full',
      `The storage${used}, has no room for ${formatBytes(neededBytes)} more.`,
      isTiny
        ? 'This page may store almost nothing, as in some private windows: load the model without keeping it, or leave the private window.'
        : 'Delete a stored model or free disk space, then try again: what is already stored is kept.',
      cause === undefined ? undefined : { cause },
    );
    this.neededBytes = neededBytes;
    this.usedBytes = figures?.usedBytes;
  }
}

/** Whether a write failed for want of room: in IndexedDB, or on a disk. Nothing else says that storage is full. */
export function isOutOfRoom(error: unknown): boolean {
  if (error instanceof Error) {
    const { name } = error;
    const { code } = error as { code?: unknown };
    return name === 'QuotaExceededError' || code === 'ENOSPC' || code === 'EDQUOT';
  }
  return false;
}

/** Somebody deleted or changed a record while it was being written. */
export class RecordChangedError extends ZoetropeError {
  override name = 'RecordChangedError';

  constructor(id: string) {
    super(
      'invalid-argument',
      `id: the checkpoint ${id} was deleted or changed while it was being imported.`,
      'Start the import again, and let only one run at a time (withImportLock).',
    );
  }
}

/** What was stored is gone, or can no longer be reached, in the middle of its use. @param what Begins the sentence. */
export function storageLost(what: string, cause?: unknown): ZoetropeError {
  return new ZoetropeError(
    'storage-lost',
    `${what}: its storage was cleared, evicted or disconnected while it was in use.`,
    'Load the model again: what is missing is fetched again. To prevent it, allow this page to keep its data.',
    cause === undefined ? undefined : { cause },
  );
}

/** The storage cannot be used now, though there may be some. */
export function storageUnavailable(message: string, hint: string, cause?: unknown): ZoetropeError {
  return new ZoetropeError(
    'storage-unavailable',
    message,
    hint,
    cause === undefined ? undefined : { cause },
  );
}
