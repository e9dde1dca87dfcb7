/**
 * @file How a tensor of a checkpoint is kept once it has been read, and the pieces in which it gets there. A piece is
 * whole rows of at most a few megabytes, converted by itself: RAM does not grow with the largest tensor, and an import
 * that was cut short reads no more than a piece anew.
 */
import { elementCount } from '../graph/types.ts';
import { checkNarrowed, checkPlain, checkQuantized, type SourceBytes } from './check-weights.ts';
import type { LocatedTensor } from './component.ts';
import { toBFloat16, toFloat16, toFloat32 } from './convert.ts';
import type { Addition } from './merge.ts';
import { QUANT_VERSION, type QuantFormat, quantizedShapes } from './quantize-format.ts';
import { allocateQuantized, quantizeRows } from './quantize.ts';
import type { ReadOptions } from './source.ts';
import { turn } from './turn.ts';

/** `source`: in the checkpoint's own element type. */
export type StorageFormat = 'source' | 'f16' | QuantFormat;

/** A tensor that a model needs, and how it is to be kept. */
export interface WeightNeed {
  /** Full name in the checkpoint. */
  readonly name: string;
  readonly tensor: LocatedTensor;
  readonly storage: StorageFormat;
  /** Added to it on its way, in this order. */
  readonly additions?: readonly Addition[];
}

/** Whole rows of a tensor. */
export interface Piece {
  readonly need: WeightNeed;
  /** Its place among the tensor's pieces. */
  readonly index: number;
  readonly firstRow: number;
  readonly rows: number;
  /** Byte range in the tensor's file. */
  readonly start: number;
  readonly end: number;
}

export type PartName = 'data' | 'codes' | 'scales';

/** A piece's share of one of the arrays that a tensor becomes. */
export interface PiecePart {
  readonly name: PartName;
  readonly byteLength: number;
}

/** Bytes of the source that a piece has at the most, if its rows are no longer. */
const PIECE_BYTES = 8 * 1024 * 1024;

/** Quantized in one go: some milliseconds. */
const STRIP_WEIGHTS = 256 * 1024;

/** Scales are kept in float32: half a bit a weight more than float16, for any arithmetic later. */
const SCALE_DTYPE = 'float32';

/** Name of a format: in records, in reports, on the page. `source`: as the checkpoint has it. */
export type StoredFormat = 'source' | 'f16' | 'q8' | 'q4';

export function formatLabel(storage: StorageFormat): StoredFormat {
  if (typeof storage === 'string') return storage;
  return storage.bits === 8 ? 'q8' : 'q4';
}

/** Version of the layout of stored weights in this format. */
export function formatVersion(format: string): number {
  return format === 'q8' || format === 'q4' ? QUANT_VERSION : 1;
}

/** What a component is said to be kept as: by the fewest bits that a tensor of it is converted to. */
export function formatOf(needs: readonly Pick<WeightNeed, 'storage'>[]): StoredFormat {
  const labels = new Set(needs.map(({ storage }) => formatLabel(storage)));
  return (['q4', 'q8', 'f16'] as const).find((label) => labels.has(label)) ?? 'source';
}

/** Element type in which a tensor's `data` is kept. */
export function storedDtype({ tensor, storage }: WeightNeed): string {
  return storage === 'f16' ? 'F16' : tensor.dtype;
}

/** Rows of the tensor, and elements of a row. */
export function rowsOf(shape: readonly number[]): { rows: number; columns: number } {
  const [rows = 1, ...rest] = shape;
  return { rows, columns: elementCount(rest) };
}

/** Rows in each of the tensor's pieces but the last. */
export function rowsPerPiece({ tensor }: WeightNeed): number {
  const { rows } = rowsOf(tensor.shape);
  const rowBytes = (tensor.end - tensor.start) / rows;
  return Math.max(1, Math.floor(PIECE_BYTES / rowBytes));
}

export function piecesOf(need: WeightNeed): readonly Piece[] {
  const { tensor } = need;
  const { rows } = rowsOf(tensor.shape);
  const rowBytes = (tensor.end - tensor.start) / rows;
  const each = rowsPerPiece(need);
  return Array.from({ length: Math.ceil(rows / each) }, (_, index) => {
    const first = index * each;
    const count = Math.min(each, rows - first);
    const start = tensor.start + first * rowBytes;
    return { need, index, firstRow: first, rows: count, start, end: start + count * rowBytes };
  });
}

/** What a piece becomes, in the order in which {@link convertPiece} gives it. */
export function partsOf({ need, rows, start, end }: Piece): readonly PiecePart[] {
  const { storage, tensor } = need;
  const { columns } = rowsOf(tensor.shape);
  if (storage === 'source') return [{ name: 'data', byteLength: end - start }];
  if (storage === 'f16') return [{ name: 'data', byteLength: 2 * rows * columns }];
  const { codes, scales } = quantizedShapes(storage, rows, columns);
  return [
    { name: 'codes', byteLength: elementCount(codes) },
    { name: 'scales', byteLength: Float32Array.BYTES_PER_ELEMENT * elementCount(scales) },
  ];
}

/** Bytes to be read for a piece, and for what is added to it. */
export function sourceBytes({ need, firstRow, rows, start, end }: Piece): number {
  return end - start + addedBytes(need, firstRow, rows);
}

/** Bytes to be read for what is added to some rows of a tensor. */
export function addedBytes({ additions = [] }: WeightNeed, firstRow: number, rows: number): number {
  return additions.reduce((sum, each) => sum + each.bytesOf(firstRow, rows), 0);
}

/** Bytes to be read for a tensor, and for what is added to it. */
export function fetchedBytes(need: WeightNeed): number {
  const { tensor } = need;
  return tensor.end - tensor.start + addedBytes(need, 0, rowsOf(tensor.shape).rows);
}

/** Bytes of a tensor as it is kept. */
export function storedBytes(need: WeightNeed): number {
  let bytes = 0;
  for (const piece of piecesOf(need)) for (const part of partsOf(piece)) bytes += part.byteLength;
  return bytes;
}

/**
 * A few rows at a time, so that what else the thread does, such as taking what arrives, need not wait for a whole piece.
 * @param bytes The piece as the checkpoint has it; may be changed.
 * @param options.onBytes Told of what is read for additions.
 * @throws ZoetropeError `non-finite`, naming the tensor: weights, or what is added to them, are not finite, too large to
 *   be computed with, or too large for the format.
 */
export async function convertPiece(
  { need, firstRow, rows }: Piece,
  bytes: Uint8Array<ArrayBuffer>,
  options?: ReadOptions,
): Promise<readonly Uint8Array<ArrayBuffer>[]> {
  const { name, storage, tensor, additions = [] } = need;
  const { columns, rows: allRows } = rowsOf(tensor.shape);
  const source = { dtype: tensor.dtype, bytes, isWhole: rows === allRows };
  // Converting finds what is damaged without another pass. What is added to is checked before: it is not the LoRA's fault.
  if (storage === 'source' || additions.length > 0) checkPlain(need, source);
  if (storage === 'source' && additions.length === 0) return [bytes];
  const target = targetOf(need, rows, columns, source);
  const rowBytes = bytes.byteLength / rows;
  const each = Math.min(rows, Math.max(1, Math.floor(STRIP_WEIGHTS / columns)));
  const room = new Float32Array(each * columns);
  for (let row = 0; row < rows; row += each) {
    if (row > 0) await turn();
    const strip = bytes.subarray(row * rowBytes, (row + each) * rowBytes);
    const values = toFloat32(name, tensor.dtype, strip, room);
    for (const addition of additions) {
      await addition.addTo(values, firstRow + row, columns, options?.signal);
    }
    target.put(values, row);
  }
  if (additions.length > 0) options?.onBytes?.(addedBytes(need, firstRow, rows));
  return target.parts;
}

/** Where the values of a piece go. */
interface Target {
  readonly parts: readonly Uint8Array<ArrayBuffer>[];
  /** @param row In the piece, the first of those that `values` are. */
  put(values: Float32Array<ArrayBuffer>, row: number): void;
}

/** @param source What is converted, for messages. */
function targetOf(need: WeightNeed, rows: number, columns: number, source: SourceBytes): Target {
  const { storage } = need;
  if (typeof storage !== 'string') {
    const quantized = allocateQuantized(storage, rows, columns, SCALE_DTYPE);
    return {
      parts: [quantized.codes, bytesOf(quantized.scales)],
      put: (values, row) =>
        checkQuantized(need, source, () => quantizeRows(storage, values, columns, quantized, row)),
    };
  }
  const dtype = storedDtype(need);
  if (dtype === 'F32') {
    const data = new Float32Array(rows * columns);
    return { parts: [bytesOf(data)], put: (values, row) => data.set(values, row * columns) };
  }
  const data = new Uint16Array(rows * columns);
  const narrow = dtype === 'F16' ? toFloat16 : toBFloat16;
  return {
    parts: [bytesOf(data)],
    put(values, row) {
      const narrowed = narrow(values);
      checkNarrowed(need, source, dtype, bytesOf(narrowed));
      data.set(narrowed, row * columns);
    },
  };
}

function bytesOf({
  buffer,
  byteOffset,
  byteLength,
}: Float32Array<ArrayBuffer> | Uint16Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
