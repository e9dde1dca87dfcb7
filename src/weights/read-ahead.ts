/**
 * @file Reads pieces of a component's files in their order. Neighbours are fetched together, since hubs answer slowly to
 * many small requests, and while the caller works on one read the next few are on their way: a connection has a rate
 * and a delay of its own, which several hide.
 */
import type { FileChecks } from './file-checks.ts';
import type { FileSource, ReadOptions } from './source.ts';
import type { Piece } from './storage-format.ts';

/** Reads on their way while one is worked on. */
const READS_AHEAD = 3;
/** A request is at most this long, if no piece is longer. */
const MAX_READ_BYTES = 4 * 1024 * 1024;
/** Of the longest element type. */
const ALIGNMENT = 4;
/** Unneeded bytes between two pieces that are cheaper to read than to ask twice. */
const MAX_GAP_BYTES = 256 * 1024;

interface Read {
  readonly first: number;
  readonly last: number;
  readonly start: number;
  readonly bytes: Promise<Uint8Array<ArrayBuffer>>;
  /** Whether the bytes are here. */
  hasArrived: boolean;
}

/** In the order of the files, in which a whole component is read best. */
export function inFileOrder(a: Piece['need'], b: Piece['need']): number {
  const [x, y] = [a.tensor, b.tensor];
  return x.file === y.file ? x.start - y.start : x.file < y.file ? -1 : 1;
}

export class ReadAhead {
  readonly #source: FileSource;
  readonly #pieces: readonly Piece[];
  readonly #options: ReadOptions | undefined;
  readonly #maxReadBytes: number;
  readonly #checks: FileChecks | undefined;
  /** Settles when all reads so far were checked. */
  #checked: Promise<unknown> = Promise.resolve();
  #opened = -1;
  #current: Read | undefined;
  /** In order. */
  #ahead: Read[] = [];

  /**
   * @param pieces In the order in which they will be taken; some may be left out.
   * @param options.checks Sees what is read, in order, before the caller does: a piece may be changed by then.
   */
  constructor(
    source: FileSource,
    pieces: readonly Piece[],
    options?: ReadOptions & { checks?: FileChecks },
    maxReadBytes = MAX_READ_BYTES,
  ) {
    this.#source = source;
    this.#pieces = pieces;
    this.#options = options;
    this.#checks = options?.checks;
    this.#maxReadBytes = Math.min(maxReadBytes, MAX_READ_BYTES);
  }

  /**
   * Bytes of piece `index`, which are the caller's alone. After an abort, pieces whose bytes
   * have arrived are still given, so that none of them has to be fetched again.
   */
  async take(index: number): Promise<Uint8Array<ArrayBuffer>> {
    const signal = this.#options?.signal;
    if (!this.#current || index > this.#current.last) {
      const next = this.#ahead.findIndex(({ first, last }) => index >= first && index <= last);
      if (next < 0) signal?.throwIfAborted();
      this.#current = next < 0 ? this.#open(index) : this.#ahead[next];
      this.#ahead = next < 0 ? [] : this.#ahead.slice(next + 1);
      const wanted = signal?.aborted === true ? 0 : READS_AHEAD;
      while (this.#current && this.#ahead.length < wanted) {
        const read = this.#open((this.#ahead.at(-1) ?? this.#current).last + 1);
        if (!read) break;
        this.#ahead.push(read);
      }
    }
    const read = this.#current;
    const piece = this.#pieces[index];
    if (!read || !piece || index < read.first) throw new Error(`piece ${index} is out of order`);
    if (!read.hasArrived) signal?.throwIfAborted();
    const bytes = await read.bytes;
    const [from, to] = [piece.start - read.start, piece.end - read.start];
    // Nobody else has this part of the buffer. Views of elements want it aligned.
    return (bytes.byteOffset + from) % ALIGNMENT === 0
      ? bytes.subarray(from, to)
      : bytes.slice(from, to);
  }

  #open(first: number): Read | undefined {
    const head = this.#pieces[first];
    if (!head) return undefined;
    const { file } = head.need.tensor;
    let last = first;
    let { end } = head;
    for (;;) {
      const piece = this.#pieces[last + 1];
      const joins =
        piece !== undefined &&
        piece.need.tensor.file === file &&
        piece.start >= end &&
        piece.start - end <= MAX_GAP_BYTES &&
        piece.end - head.start <= this.#maxReadBytes;
      if (!joins) break;
      ({ end } = piece);
      last++;
    }
    const isNext = this.#pieces[first - 1]?.need.tensor.file !== file || this.#opened === first - 1;
    this.#opened = last;
    const reading = this.#source.read(file, head.start, end, this.#options);
    const bytes = this.#checks
      ? this.#check(this.#checks, file, head.start, reading, isNext)
      : reading;
    const read: Read = { first, last, start: head.start, bytes, hasArrived: false };
    bytes.then(
      () => {
        read.hasArrived = true;
      },
      // `take` reports it.
      () => undefined,
    );
    return read;
  }

  /** Reads arrive in any order; they are checked in the order in which they were opened. */
  async #check(
    checks: FileChecks,
    file: string,
    start: number,
    read: Promise<Uint8Array<ArrayBuffer>>,
    isNext: boolean,
  ): Promise<Uint8Array<ArrayBuffer>> {
    const before = this.#checked;
    const checking = read.then(async (bytes) => {
      await before;
      await checks.take(file, start, bytes, isNext);
      return bytes;
    });
    this.#checked = checking.catch(() => undefined);
    return checking;
  }
}
