/**
 * @file What is added to a tensor's rows on their way in, in float32 and before they are quantized: products of two small
 * matrices (Hu et al. 2021), or differences. Rows are independent, so that memory does not grow with the tensor.
 */
import { modelFormat } from '../errors.ts';
import { elementCount } from '../graph/types.ts';
import type { CachedReads } from './cached-reads.ts';
import { toFloat32 } from './convert.ts';
import type { TensorEntry } from './safetensors.ts';

/** Something added to one tensor. */
export interface Addition {
  /**
   * Adds to rows `firstRow …` in place.
   * @param values `[n, columns]`, row-major.
   */
  addTo(
    values: Float32Array<ArrayBuffer>,
    firstRow: number,
    columns: number,
    signal?: AbortSignal,
  ): Promise<void>;
  /** To be read for `rows` rows from `firstRow` on. */
  bytesOf(firstRow: number, rows: number): number;
}

/** A tensor of a file that is read here and there. */
export interface FileTensorRef {
  readonly name: string;
  readonly tensor: TensorEntry;
  readonly reads: CachedReads;
}

/** A number, or a tensor that holds it and what it is divided by. */
export type Factor = number | { readonly alpha: FileTensorRef; readonly rank: number };

function rowBytes({ tensor }: FileTensorRef, rows: number): number {
  return (tensor.end - tensor.start) / rows;
}

async function readRows(
  ref: FileTensorRef,
  first: number,
  count: number,
  rows: number,
  signal?: AbortSignal,
): Promise<Float32Array<ArrayBuffer>> {
  const { name, tensor, reads } = ref;
  const bytes = rowBytes(ref, rows);
  const start = tensor.start + first * bytes;
  return toFloat32(name, tensor.dtype, await reads.read(start, start + count * bytes, signal));
}

async function settle(factor: Factor, signal?: AbortSignal): Promise<number> {
  if (typeof factor === 'number') return factor;
  const [alpha = Number.NaN] = await readRows(factor.alpha, 0, 1, 1, signal);
  return alpha / factor.rank;
}

/** `scale · factor · up · down`, `[rows, rank] · [rank, columns]`. */
export class LowRank implements Addition {
  readonly #down: FileTensorRef;
  readonly #up: FileTensorRef;
  readonly #rows: number;
  readonly #rank: number;
  readonly #factor: Factor;
  readonly #scale: number;
  /** Kept from a tensor's first piece to its last. */
  #read: Promise<Float32Array<ArrayBuffer>> | undefined;

  constructor(
    matrices: { down: FileTensorRef; up: FileTensorRef },
    rows: number,
    factor: Factor,
    scale: number,
  ) {
    this.#down = matrices.down;
    this.#up = matrices.up;
    this.#rows = rows;
    this.#rank = matrices.down.tensor.shape[0] ?? 0;
    this.#factor = factor;
    this.#scale = scale;
  }

  bytesOf(firstRow: number, rows: number): number {
    const { start, end } = this.#down.tensor;
    return (firstRow === 0 ? end - start : 0) + rows * rowBytes(this.#up, this.#rows);
  }

  async addTo(
    values: Float32Array<ArrayBuffer>,
    firstRow: number,
    columns: number,
    signal?: AbortSignal,
  ): Promise<void> {
    const count = values.length / columns;
    this.#read ??= readRows(this.#down, 0, 1, 1, signal).then((down) =>
      transposed(down, this.#rank),
    );
    try {
      const down = await this.#read;
      const up = await readRows(this.#up, firstRow, count, this.#rows, signal);
      const scale = this.#scale * (await settle(this.#factor, signal));
      addProduct(values, up, down, { columns, rank: this.#rank, scale });
      if (!areFinite(values)) throw notFinite(this.#up.name);
      if (firstRow + count >= this.#rows) this.#read = undefined;
    } catch (error) {
      this.#read = undefined;
      throw error;
    }
  }
}

/** `scale · factor · difference`, of the tensor's own shape. */
export class Difference implements Addition {
  readonly #difference: FileTensorRef;
  readonly #rows: number;
  readonly #factor: Factor;
  readonly #scale: number;

  constructor(difference: FileTensorRef, rows: number, factor: Factor, scale: number) {
    this.#difference = difference;
    this.#rows = rows;
    this.#factor = factor;
    this.#scale = scale;
  }

  bytesOf(_firstRow: number, rows: number): number {
    return rows * rowBytes(this.#difference, this.#rows);
  }

  async addTo(
    values: Float32Array<ArrayBuffer>,
    firstRow: number,
    columns: number,
    signal?: AbortSignal,
  ): Promise<void> {
    const count = values.length / columns;
    const difference = await readRows(this.#difference, firstRow, count, this.#rows, signal);
    const scale = this.#scale * (await settle(this.#factor, signal));
    for (let i = 0; i < values.length; i++) {
      values[i] = (values[i] ?? 0) + scale * (difference[i] ?? 0);
    }
    if (!areFinite(values)) throw notFinite(this.#difference.name);
  }
}

/**
 * Sums in float64, rounds once.
 * @param up `[rows, rank]`. @param down `[columns, rank]`: what is summed over lies together in both.
 */
function addProduct(
  values: Float32Array,
  up: Float32Array,
  down: Float32Array,
  { columns, rank, scale }: { columns: number; rank: number; scale: number },
): void {
  const rows = values.length / columns;
  let row = 0;
  // Four rows at a time: an element of `down` is loaded a quarter as often.
  for (; row + 3 < rows; row += 4) {
    const [u0, u1, u2, u3] = [row * rank, (row + 1) * rank, (row + 2) * rank, (row + 3) * rank];
    const start = row * columns;
    for (let column = 0; column < columns; column++) {
      const from = column * rank;
      let [a, b, c, d] = [0, 0, 0, 0];
      for (let r = 0; r < rank; r++) {
        const factor = down[from + r] ?? 0;
        a += (up[u0 + r] ?? 0) * factor;
        b += (up[u1 + r] ?? 0) * factor;
        c += (up[u2 + r] ?? 0) * factor;
        d += (up[u3 + r] ?? 0) * factor;
      }
      const at = start + column;
      values[at] = (values[at] ?? 0) + scale * a;
      values[at + columns] = (values[at + columns] ?? 0) + scale * b;
      values[at + 2 * columns] = (values[at + 2 * columns] ?? 0) + scale * c;
      values[at + 3 * columns] = (values[at + 3 * columns] ?? 0) + scale * d;
    }
  }
  for (; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      let sum = 0;
      for (let r = 0; r < rank; r++) {
        sum += (up[row * rank + r] ?? 0) * (down[column * rank + r] ?? 0);
      }
      const at = row * columns + column;
      values[at] = (values[at] ?? 0) + scale * sum;
    }
  }
}

/** `[rows, columns]` → `[columns, rows]`. */
function transposed(matrix: Float32Array, rows: number): Float32Array<ArrayBuffer> {
  const columns = matrix.length / rows;
  const result = new Float32Array(matrix.length);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      result[column * rows + row] = matrix[row * columns + column] ?? 0;
    }
  }
  return result;
}

function areFinite(values: Float32Array): boolean {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += (values[i] ?? 0) * 0;
  return sum === 0;
}

function notFinite(name: string): Error {
  return modelFormat(
    `${name} holds values that are not finite, or makes some.`,
    'The file is damaged, or its scale too large.',
  );
}

/** Whether `tensor` has as many rows and elements of a row as a matrix of `rows` by `columns`. */
export function isMatrix({ shape }: TensorEntry, rows: number, columns: number): boolean {
  return shape[0] === rows && elementCount(shape) === rows * columns;
}
