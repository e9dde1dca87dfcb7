/**
 * @file Small reads all over one file, in its order more or less: whole blocks are fetched, and the last few kept. For a
 * LoRA, whose hundreds of small tensors lie in about the order in which the model's own are read.
 */
import type { FileSource, ReadOptions } from './source.ts';

const BLOCK_BYTES = 4 * 1024 * 1024;
/** Two for neighbours on a border, one for what is read again and again: the alphas, in many files all at the start. */
const KEPT_BLOCKS = 3;

export class CachedReads {
  readonly #source: FileSource;
  readonly #path: string;
  /** The least recently used first. */
  readonly #blocks = new Map<number, Promise<Uint8Array<ArrayBuffer>>>();

  constructor(source: FileSource, path: string) {
    this.#source = source;
    this.#path = path;
  }

  /** The file, for messages. */
  get place(): string {
    return `${this.#path} of ${this.#source.name}`;
  }

  /** Bytes `start … end − 1`, in a buffer of their own. */
  async read(start: number, end: number, signal?: AbortSignal): Promise<Uint8Array<ArrayBuffer>> {
    const options = signal ? { signal } : {};
    if (end - start > BLOCK_BYTES) return this.#source.read(this.#path, start, end, options);
    const bytes = new Uint8Array(end - start);
    for (let at = start; at < end;) {
      const block = Math.floor(at / BLOCK_BYTES);
      const from = at - block * BLOCK_BYTES;
      const part = (await this.#block(block, options)).subarray(from, from + end - at);
      bytes.set(part, at - start);
      at += part.byteLength;
    }
    return bytes;
  }

  #block(index: number, options: ReadOptions): Promise<Uint8Array<ArrayBuffer>> {
    const block = this.#blocks.get(index) ?? this.#fetch(index, options);
    this.#blocks.delete(index);
    this.#blocks.set(index, block);
    for (const oldest of [...this.#blocks.keys()].slice(0, -KEPT_BLOCKS)) {
      this.#blocks.delete(oldest);
    }
    return block;
  }

  async #fetch(index: number, options: ReadOptions): Promise<Uint8Array<ArrayBuffer>> {
    try {
      const size = await this.#source.size(this.#path, options);
      const start = index * BLOCK_BYTES;
      const end = Math.min(size, start + BLOCK_BYTES);
      return await this.#source.read(this.#path, start, end, options);
    } catch (error) {
      // Whoever comes next may have more luck.
      this.#blocks.delete(index);
      throw error;
    }
  }
}
