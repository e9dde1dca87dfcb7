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
      'Fetch this chunk again, or delete the checkpoint and import it anew.',
      cause === undefined ? undefined : { cause },
    );
    this.hash = hash;
  }
}

/** @param neededBytes What was to be stored. @param figures Absent where the browser does not tell. */
export function storageFull(
  neededBytes: number,
  figures: StorageFigures | undefined,
  cause?: unknown,
): ZoetropeError {
  const room = figures
    ? `${formatBytes(figures.freeBytes)} are free and ${formatBytes(figures.usedBytes)} used`
    : 'the free space is unknown';
  return new ZoetropeError(
    'storage-full',
    `Storing needs ${formatBytes(neededBytes)}, but ${room}.`,
    'Delete a stored model or free disk space, then try again: what is already stored is kept.',
    cause === undefined ? undefined : { cause },
  );
}

/** Whether a write failed for want of room: in IndexedDB, or on a disk. */
export function isOutOfRoom(error: unknown): boolean {
  if (error instanceof Error) {
    const { name } = error;
    const { code } = error as { code?: unknown };
    return name === 'QuotaExceededError' || code === 'ENOSPC' || code === 'EDQUOT';
  }
  return false;
}

/** Somebody deleted or changed a record while it was being written. */
export function recordChanged(id: string): ZoetropeError {
  return new ZoetropeError(
    'invalid-argument',
    `id: the checkpoint ${id} was deleted or changed while it was being imported.`,
    'Start the import again, and let only one run at a time (withImportLock).',
  );
}
