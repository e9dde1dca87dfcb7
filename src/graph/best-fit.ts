/**
 * @file How far a heap grows: the smallest free piece that is large enough, neighbours joined when they fall free, and the
 * end of the heap moved only where no piece fits. As dlmalloc, emscripten's allocator, treats large requests.
 */

/** What a piece has besides what was asked for: dlmalloc's header, and onnxruntime's alignment. */
const OVERHEAD_BYTES = 80;

interface Piece {
  start: number;
  size: number;
}

export class BestFitHeap {
  /** By address, no two of them neighbours, none at the end. */
  readonly #free: Piece[] = [];
  readonly #sizes = new Map<number, number>();
  #end = 0;
  #most = 0;

  /** The furthest that the end ever was. */
  get most(): number {
    return this.#most;
  }

  /** @returns its address. */
  take(bytes: number): number {
    const size = bytes + OVERHEAD_BYTES;
    let best: number | undefined;
    for (const [index, piece] of this.#free.entries()) {
      const isBetter = best === undefined || piece.size < (this.#free[best]?.size ?? 0);
      if (piece.size >= size && isBetter) best = index;
    }
    const piece = best === undefined ? undefined : this.#free[best];
    let start = this.#end;
    if (piece && best !== undefined) {
      start = piece.start;
      piece.start += size;
      piece.size -= size;
      if (piece.size === 0) this.#free.splice(best, 1);
    } else {
      this.#end += size;
      this.#most = Math.max(this.#most, this.#end);
    }
    this.#sizes.set(start, size);
    return start;
  }

  give(start: number): void {
    const size = this.#sizes.get(start) ?? 0;
    this.#sizes.delete(start);
    const after = this.#free.findIndex((piece) => piece.start > start);
    const at = after < 0 ? this.#free.length : after;
    this.#free.splice(at, 0, { start, size });
    this.#joinNext(at);
    this.#joinNext(at - 1);
    const last = this.#free.at(-1);
    if (last && last.start + last.size === this.#end) {
      this.#end = last.start;
      this.#free.pop();
    }
  }

  #joinNext(index: number): void {
    const [piece, next] = [this.#free[index], this.#free[index + 1]];
    if (!piece || !next || piece.start + piece.size !== next.start) return;
    piece.size += next.size;
    this.#free.splice(index + 1, 1);
  }
}
