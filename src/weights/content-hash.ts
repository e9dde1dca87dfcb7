/**
 * @file Hashes of whole files, taken piece by piece: what a hub lists for a file, to compare with what arrived. A large
 * file is hashed in a worker of its own, where there are workers: an import keeps its own thread busy.
 */
import { LocalHash } from './local-hash.ts';
import { RemoteHash } from './remote-hash.ts';

export interface ContentHash {
  /** Takes the next bytes; they may be changed afterwards. */
  update(bytes: Uint8Array): Promise<void>;
  /** The mark of all bytes so far; undefined if the worker has failed. Ends the hash. */
  mark(): Promise<string | undefined>;
  /** To call if `mark` will not be. */
  close(): void;
}

/** Below this a worker takes longer to start than the hash to make. */
const REMOTE_BYTES = 32 * 1024 * 1024;

/**
 * @param mark `sha256:…` for a file in LFS, `git:…` for a file in Git itself.
 * @param size The file's length, which is part of Git's hash.
 * @returns Undefined if the mark is not a hash of contents.
 */
export async function contentHash(
  mark: string | undefined,
  size: number,
): Promise<ContentHash | undefined> {
  if (!isContentMark(mark)) return undefined;
  const isLarge = size >= REMOTE_BYTES && typeof Worker === 'function';
  if (!isLarge) return LocalHash.like(mark, size);
  try {
    return RemoteHash.open(mark, size);
  } catch {
    // A page may forbid workers of this kind: then this thread hashes.
    return LocalHash.like(mark, size);
  }
}

/** Whether a mark tells a file by its contents. */
export function isContentMark(mark: string | undefined): mark is string {
  return mark !== undefined && /^(?:sha256:[0-9a-f]{64}|git:[0-9a-f]{40})$/.test(mark);
}
