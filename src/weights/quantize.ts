/**
 * @file Blockwise weight-only quantization into the layout of {@link QuantFormat}, and back. Rows are independent, so a
 * caller may convert and quantize a few rows at a time: no copy of a whole tensor is ever needed in float32.
 */
import { ZoetropeError } from '../errors.ts';
import { blocksPerRow, bytesPerBlock, type QuantFormat } from './quantize-format.ts';
import { halfBits, halfValue } from './quantize-half.ts';
import { scale4, scale8 } from './quantize-scale.ts';

/** Codes and scales of a weight `[rows, columns]`; shapes as `quantizedShapes` says. */
export interface QuantizedWeight {
  readonly codes: Uint8Array<ArrayBuffer>;
  /** float16 scales are held as their bits. */
  readonly scales: Float32Array<ArrayBuffer> | Uint16Array<ArrayBuffer>;
}

/** Room for a weight `[rows, columns]`, to be filled by {@link quantizeRows}. */
export function allocateQuantized(
  format: QuantFormat,
  rows: number,
  columns: number,
  scaleDtype: 'float32' | 'float16',
): QuantizedWeight {
  const blocks = rows * blocksPerRow(format, columns);
  return {
    codes: new Uint8Array(blocks * bytesPerBlock(format)),
    scales: scaleDtype === 'float32' ? new Float32Array(blocks) : new Uint16Array(blocks),
  };
}

/**
 * Quantizes rows `firstRow …` of a weight.
 * @param weights The rows alone: `[n, columns]`, row-major, n = weights.length / columns.
 * @param target Of the whole weight; only what belongs to these rows is written.
 * @throws ZoetropeError `non-finite` if a weight is not finite or too large to be computed with. RangeError if the rows do not fit the target.
 */
export function quantizeRows(
  format: QuantFormat,
  weights: Float32Array,
  columns: number,
  target: QuantizedWeight,
  firstRow = 0,
): void {
  const rows = weights.length / columns;
  const blocks = blocksPerRow(format, columns);
  if (!Number.isInteger(rows) || (firstRow + rows) * blocks > target.scales.length) {
    throw new RangeError(`${weights.length} weights in rows of ${columns} do not fit the target`);
  }
  const quantizeRow = format.bits === 8 ? quantizeRow8 : quantizeRow4;
  const job = {
    weights,
    bits: new Uint32Array(weights.buffer, weights.byteOffset, weights.length),
    blockSize: format.blockSize,
    codes: target.codes,
    scales: target.scales,
    hasHalfScales: target.scales instanceof Uint16Array,
  };
  for (let row = 0; row < rows; row++) {
    const isFinite = quantizeRow(
      job,
      row * columns,
      (row + 1) * columns,
      (firstRow + row) * blocks,
    );
    if (!isFinite) throw notFinite(firstRow + row);
  }
}

/** What rows are quantized from and to. */
interface Job {
  readonly weights: Float32Array;
  /** The weights once more. */
  readonly bits: Uint32Array;
  readonly blockSize: number;
  readonly codes: Uint8Array;
  readonly scales: QuantizedWeight['scales'];
  /** Asked once: for each block it would take as long as the block. */
  readonly hasHalfScales: boolean;
}

/** The weights that codes and scales stand for, `[rows, columns]`. */
export function dequantize(
  format: QuantFormat,
  { codes, scales }: QuantizedWeight,
  columns: number,
): Float32Array<ArrayBuffer> {
  const blocks = blocksPerRow(format, columns);
  const rows = scales.length / blocks;
  const { bits, blockSize } = format;
  const weights = new Float32Array(rows * columns);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const scale = readScale(scales, row * blocks + Math.floor(column / blockSize));
      const position = row * blocks * blockSize + column;
      const byte = codes[bits === 8 ? position : position >> 1] ?? 0;
      const code = bits === 8 ? byte - 128 : ((position & 1) === 0 ? byte & 15 : byte >> 4) - 8;
      weights[row * columns + column] = code * scale;
    }
  }
  return weights;
}

/**
 * One row of 8-bit codes; padding gets the code of zero.
 * @param block The row's first, in the target.
 * @returns Whether all is finite.
 */
function quantizeRow8(job: Job, start: number, end: number, block: number): boolean {
  const { weights, bits, blockSize, codes } = job;
  for (let from = start; from < end; from += blockSize, block++) {
    const until = Math.min(from + blockSize, end);
    // Codes are made for the scale that is stored, not for the one that was meant.
    const scale = storeScale(job, block, scale8(bits, from, until));
    if (scale - scale !== 0) return false;
    const inverse = scale === 0 ? 0 : 1 / scale;
    let to = block * blockSize;
    const atEnd = to + blockSize;
    for (let i = from; i < until; i++) codes[to++] = code8(weights[i] ?? 0, inverse);
    while (to < atEnd) codes[to++] = 128;
  }
  return true;
}

/** One row of 4-bit codes, as {@link quantizeRow8}: two a byte, the earlier one in the low half. */
function quantizeRow4(job: Job, start: number, end: number, block: number): boolean {
  const { weights, blockSize, codes } = job;
  const blockBytes = blockSize >> 1;
  for (let from = start; from < end; from += blockSize, block++) {
    const until = Math.min(from + blockSize, end);
    const scale = storeScale(job, block, scale4(weights, from, until));
    if (scale - scale !== 0) return false;
    const inverse = scale === 0 ? 0 : 1 / scale;
    let to = block * blockBytes;
    const atEnd = to + blockBytes;
    let i = from;
    for (; i + 1 < until; i += 2) {
      codes[to++] = code4(weights[i] ?? 0, inverse) | (code4(weights[i + 1] ?? 0, inverse) << 4);
    }
    if (i < until) codes[to++] = code4(weights[i] ?? 0, inverse) | 0x80;
    while (to < atEnd) codes[to++] = 0x88;
  }
  return true;
}

/** Truncating after adding a half rounds, as the sum is not negative. The clamp is for coarse scales. */
function code8(weight: number, inverse: number): number {
  const code = (weight * inverse + 128.5) | 0;
  return code > 255 ? 255 : code < 0 ? 0 : code;
}

function code4(weight: number, inverse: number): number {
  const code = (weight * inverse + 8.5) | 0;
  return code > 15 ? 15 : code < 0 ? 0 : code;
}

/** @returns The scale as stored. */
function storeScale({ scales, hasHalfScales }: Job, index: number, scale: number): number {
  const stored = hasHalfScales ? halfBits(scale) : Math.fround(scale);
  scales[index] = stored;
  return hasHalfScales ? halfValue(stored) : stored;
}

function readScale(scales: QuantizedWeight['scales'], index: number): number {
  const stored = scales[index] ?? 0;
  return scales instanceof Float32Array ? stored : halfValue(stored);
}

function notFinite(row: number): ZoetropeError {
  return new ZoetropeError(
    'non-finite',
    `Row ${row} of a weight holds values that are not finite, or too large to be computed with.`,
    'The file is damaged or comes from a failed training run. Download it again, or choose another one.',
  );
}
