/**
 * @file Small values between visits, apart from checkpoints: what was computed once and can be computed again. The least
 * recently used go when there are too many, each is verified when it is read, and nothing here ever fails: a value that
 * cannot be read is one that is not there, one that cannot be written is not kept.
 */
import type { StoreBackend } from './backend.ts';
import { isOutOfRoom } from './failure.ts';
import { sha256 } from './sha256.ts';

/** All values together, in bytes. */
const CAPACITY_BYTES = 64 * 1024 * 1024;

/** Characters of a SHA-256 in hex, which every stored value begins with. */
const HASH_LENGTH = 64;

export class ValueCache {
  readonly #backend: Pick<StoreBackend, 'readValue' | 'writeValue' | 'deleteValue'>;
  readonly #capacityBytes: number;
  #lastUse = 0;

  constructor(
    backend: Pick<StoreBackend, 'readValue' | 'writeValue' | 'deleteValue'>,
    capacityBytes = CAPACITY_BYTES,
  ) {
    this.#backend = backend;
    this.#capacityBytes = capacityBytes;
  }

  /** @param key Anything that tells the value from others. */
  async get(key: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
    try {
      const name = await nameOf(key);
      const stored = await this.#backend.readValue(name, this.#now());
      if (!stored) return undefined;
      const bytes = stored.slice(HASH_LENGTH);
      if (new TextDecoder().decode(stored.subarray(0, HASH_LENGTH)) === (await sha256(bytes))) {
        return bytes;
      }
      await this.#backend.deleteValue(name);
    } catch {
      // As if it were not there: it is computed again.
    }
    return undefined;
  }

  /**
   * Keeps a value, and replaces one with the same key; not if it is larger than all of them may be.
   * @returns Whether the storage is full: the value is not kept then.
   */
  async put(key: string, bytes: Uint8Array<ArrayBuffer>): Promise<{ readonly isFull: boolean }> {
    const stored = new Uint8Array(HASH_LENGTH + bytes.byteLength);
    if (stored.byteLength > this.#capacityBytes) return { isFull: false };
    try {
      stored.set(new TextEncoder().encode(await sha256(bytes)));
      stored.set(bytes, HASH_LENGTH);
      const name = await nameOf(key);
      await this.#backend.writeValue(name, stored, this.#now(), this.#capacityBytes);
      return { isFull: false };
    } catch (error) {
      // No room, or no storage any more: it is computed again when it is needed.
      return { isFull: isOutOfRoom(error) };
    }
  }

  /** Milliseconds, but never the same twice: they order the values. */
  #now(): number {
    this.#lastUse = Math.max(Date.now(), this.#lastUse + 1);
    return this.#lastUse;
  }
}

/** Fit for a file, however long the key. */
function nameOf(key: string): Promise<string> {
  return sha256(new TextEncoder().encode(key));
}
