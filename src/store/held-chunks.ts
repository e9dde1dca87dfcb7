/** @file Chunks that had to be fetched again and found no room in the store: a session goes on with them in RAM. */
import type { CheckpointStore, ChunkStore } from './checkpoint-store.ts';
import { StorageFullError } from './failure.ts';

/** Eight chunks of the usual length: a page has room for that beside what it computes. */
const CAPACITY_BYTES = 256 * 1024 * 1024;

export class HeldChunks implements Pick<ChunkStore, 'read'> {
  readonly #store: CheckpointStore;
  readonly #capacityBytes: number;
  readonly #held = new Map<string, Uint8Array<ArrayBuffer>>();
  #bytes = 0;

  constructor(store: CheckpointStore, capacityBytes = CAPACITY_BYTES) {
    this.#store = store;
    this.#capacityBytes = capacityBytes;
  }

  get isEmpty(): boolean {
    return this.#held.size === 0;
  }

  async read(hash: string, start: number, end: number): Promise<Uint8Array<ArrayBuffer>> {
    return this.#held.get(hash)?.slice(start, end) ?? this.#store.read(hash, start, end);
  }

  /**
   * Stores the right bytes of a damaged or missing chunk; holds them where the store has no room.
   * @returns Whether they are stored.
   * @throws StorageFullError if there is no room here either; ZoetropeError `model-format` if they are not the chunk's.
   */
  async repair(hash: string, bytes: Uint8Array<ArrayBuffer>): Promise<boolean> {
    try {
      await this.#store.repairChunk(hash, bytes);
      return true;
    } catch (error) {
      // The store compares the hash before it writes.
      if (!(error instanceof StorageFullError)) throw error;
      if (this.#bytes + bytes.byteLength > this.#capacityBytes) throw error;
      this.#held.set(hash, bytes);
      this.#bytes += bytes.byteLength;
      return false;
    }
  }
}
