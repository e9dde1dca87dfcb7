/**
 * @file Hashes of whole files on this thread, piece by piece. Web Crypto has no hash that takes its input in pieces, and does
 * not exist outside secure contexts.
 */
import { createSHA1, createSHA256, type IHasher } from 'hash-wasm';
import { turn } from './turn.ts';

/** Hashed in one go: about three milliseconds. */
const STEP_BYTES = 1024 * 1024;

export class LocalHash {
  readonly #kind: string;
  readonly #hasher: IHasher;

  private constructor(kind: string, hasher: IHasher) {
    this.#kind = kind;
    this.#hasher = hasher;
  }

  /**
   * @param mark `sha256:…` for a file in LFS, `git:…` for a file in Git itself.
   * @param size The file's length, which is part of Git's hash.
   * @returns Undefined if the mark is not a hash of contents.
   */
  static async like(mark: string | undefined, size: number): Promise<LocalHash | undefined> {
    if (mark !== undefined && /^sha256:[0-9a-f]{64}$/.test(mark)) {
      return new LocalHash('sha256', (await createSHA256()).init());
    }
    if (mark !== undefined && /^git:[0-9a-f]{40}$/.test(mark)) {
      const hasher = (await createSHA1()).init();
      return new LocalHash('git', hasher.update(`blob ${size}\0`));
    }
    return undefined;
  }

  /** The event loop gets a turn now and then: a download's bytes are taken meanwhile. */
  async update(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.byteLength; at += STEP_BYTES) {
      if (at > 0) await turn();
      this.#hasher.update(bytes.subarray(at, at + STEP_BYTES));
    }
  }

  /** The mark of all bytes so far. Ends the hash. */
  async mark(): Promise<string> {
    return `${this.#kind}:${this.#hasher.digest()}`;
  }

  /** Nothing to free. */
  close(): void {}
}
