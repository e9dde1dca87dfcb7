/**
 * @file Reads and converts pieces in their order. While the caller hashes and stores one, the next is converted: each
 * leaves most of the machine to the other.
 */
import type { ReadAhead } from './read-ahead.ts';
import type { ReadOptions } from './source.ts';
import { convertPiece, type Piece } from './storage-format.ts';

type Parts = readonly Uint8Array<ArrayBuffer>[];

export class ConvertAhead {
  readonly #pieces: readonly Piece[];
  readonly #reads: ReadAhead;
  readonly #options: ReadOptions | undefined;
  #ahead: { readonly index: number; readonly parts: Promise<Parts> } | undefined;

  /** @param pieces Those that `reads` reads. */
  constructor(pieces: readonly Piece[], reads: ReadAhead, options?: ReadOptions) {
    this.#pieces = pieces;
    this.#reads = reads;
    this.#options = options;
  }

  /** What piece `index` becomes; after the first call, pieces come one after another. */
  async take(index: number): Promise<Parts> {
    const ahead = this.#ahead;
    this.#ahead = undefined;
    const parts = await (ahead?.index === index ? ahead.parts : this.#convert(index));
    const next = index + 1;
    if (next < this.#pieces.length) {
      this.#ahead = { index: next, parts: this.#convert(next) };
      // Told to whoever takes it; until then it is nobody's failure.
      this.#ahead.parts.catch(() => undefined);
    }
    return parts;
  }

  async #convert(index: number): Promise<Parts> {
    const piece = this.#pieces[index];
    if (!piece) throw new Error(`there is no piece ${index}`);
    return convertPiece(piece, await this.#reads.take(index), this.#options);
  }
}
