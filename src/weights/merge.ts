/**
 * @file What is added to a tensor's rows on their way in, in float32 and before they are quantized: products of two small
 * matrices (Hu et al. 2021), or differences. Rows are independent, so that memory does not grow with the tensor.
 */
import { ZoetropeError } from '../errors.ts';
import { elementCount } from '../graph/types.ts';
import type { CachedReads } from './cached-reads.ts';
import { damagedTensor } from './check-weights.ts';
import { toFloat32 } from './convert.ts';
import { countUnusable, hasUnusable, hasUnusableValue } from './finite.ts';
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
  const read = await reads.read(start, start + count * bytes, signal);
  if (hasUnusable(tensor.dtype, read)) {
    const title = `Tensor ${name} of the LoRA ${reads.place}`;
    throw damagedTensor(title, countUnusable(tensor.dtype, read), count === rows);
  }
  return toFloat32(name, tensor.dtype, read);
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
  #read: Promise<Float64Array<ArrayBuffer>> | undefined;

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
      const up = new Float64Array(await readRows(this.#up, firstRow, count, this.#rows, signal));
      const scale = this.#scale * (await settle(this.#factor, signal));
      addProduct(values, columns, { up, down, rank: this.#rank, scale });
      if (hasUnusableValue(values)) throw tooMuch(this.#up, this.#scale);
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
    if (hasUnusableValue(values)) throw tooMuch(this.#difference, this.#scale);
  }
}

/** Matrices whose product is added. What is summed over lies together in both. */
interface Factors {
  /** `[rows, rank]`. In float64: a number is widened once, not each time that it is used. */
  readonly up: Float64Array;
  /** `[columns, rank]`. */
  readonly down: Float64Array;
  readonly rank: number;
  readonly scale: number;
}

/** Sums in float64, rounds once. */
function addProduct(values: Float32Array, columns: number, factors: Factors): void {
  const rows = values.length / columns;
  const [tileRows, tileColumns] = [rows - (rows % 4), columns - (columns % 2)];
  for (let row = 0; row < tileRows; row += 4) {
    for (let column = 0; column < tileColumns; column += 2) {
      addTile(values, row * columns + column, columns, factors, row, column);
    }
  }
  addDots(values, columns, factors, 0, tileRows, tileColumns);
  addDots(values, columns, factors, tileRows, rows, 0);
}

/** Four rows of two columns: eight sums for six numbers that are loaded. @param at Of the first in `values`. */
function addTile(
  values: Float32Array,
  at: number,
  columns: number,
  { up, down, rank, scale }: Factors,
  row: number,
  column: number,
): void {
  const [u0, u1, u2, u3] = [row * rank, (row + 1) * rank, (row + 2) * rank, (row + 3) * rank];
  const [d0, d1] = [column * rank, (column + 1) * rank];
  let [a0, a1, b0, b1, c0, c1, e0, e1] = [0, 0, 0, 0, 0, 0, 0, 0];
  for (let r = 0; r < rank; r++) {
    const [left, right] = [down[d0 + r] ?? 0, down[d1 + r] ?? 0];
    const a = up[u0 + r] ?? 0;
    const b = up[u1 + r] ?? 0;
    const c = up[u2 + r] ?? 0;
    const e = up[u3 + r] ?? 0;
    a0 += a * left;
    a1 += a * right;
    b0 += b * left;
    b1 += b * right;
    c0 += c * left;
    c1 += c * right;
    e0 += e * left;
    e1 += e * right;
  }
  addPair(values, at, scale * a0, scale * a1);
  addPair(values, at + columns, scale * b0, scale * b1);
  addPair(values, at + 2 * columns, scale * c0, scale * c1);
  addPair(values, at + 3 * columns, scale * e0, scale * e1);
}

function addPair(values: Float32Array, at: number, first: number, second: number): void {
  values[at] = (values[at] ?? 0) + first;
  values[at + 1] = (values[at + 1] ?? 0) + second;
}

/** One by one: rows and columns that are left over. */
function addDots(
  values: Float32Array,
  columns: number,
  { up, down, rank, scale }: Factors,
  firstRow: number,
  endRow: number,
  firstColumn: number,
): void {
  for (let row = firstRow; row < endRow; row++) {
    for (let column = firstColumn; column < columns; column++) {
      let sum = 0;
      for (let r = 0; r < rank; r++) {
        sum += (up[row * rank + r] ?? 0) * (down[column * rank + r] ?? 0);
      }
      const at = row * columns + column;
      values[at] = (values[at] ?? 0) + scale * sum;
    }
  }
}

/** `[rows, columns]` → `[columns, rows]`, in float64. */
function transposed(matrix: Float32Array, rows: number): Float64Array<ArrayBuffer> {
  const columns = matrix.length / rows;
  const result = new Float64Array(matrix.length);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      result[column * rows + row] = matrix[row * columns + column] ?? 0;
    }
  }
  return result;
}

function tooMuch({ name, reads }: FileTensorRef, scale: number): ZoetropeError {
  return new ZoetropeError(
    'non-finite',
    `The LoRA ${reads.place}, merged at scale ${scale}, makes weights that are not finite or too large to be computed with (its tensor ${name}).`,
    'Give the LoRA a smaller scale: 1 is as trained. If it fails at 1 too, the file is damaged: download it again.',
  );
}

/** Whether `tensor` has as many rows and elements of a row as a matrix of `rows` by `columns`. */
export function isMatrix({ shape }: TensorEntry, rows: number, columns: number): boolean {
  return shape[0] === rows && elementCount(shape) === rows * columns;
}
