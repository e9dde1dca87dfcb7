/**
 * @file Storage formats of quantized linear weights, as onnxruntime's contrib operator `MatMulNBits` reads them: a row of
 * K weights is cut into blocks, and each block has unsigned codes and one scale. weight = (code − zeroPoint) · scale.
 */

export interface QuantFormat {
  readonly bits: 4 | 8;
  /** Weights that share a scale. */
  readonly blockSize: 16 | 32 | 64 | 128;
}

/**
 * Version of what stored quantized weights are: blocks of `blockSize` along a row, codes as above, then float32 scales,
 * in pieces of whole rows. To be raised with every change after which stored bytes would be read as other weights.
 */
export const QUANT_VERSION = 1;

/** 8.5 to 9 bits a weight with float16 or float32 scales: better than FP8 with a scale for each row. */
export const Q8: QuantFormat = { bits: 8, blockSize: 32 };
/** 4.5 to 5 bits a weight. */
export const Q4: QuantFormat = { bits: 4, blockSize: 32 };

/** The code of zero: MatMulNBits' default zero point, so no zero points are stored. */
export function zeroPoint({ bits }: QuantFormat): number {
  return bits === 8 ? 128 : 8;
}

/** The last block of a row may be partly padding. */
export function blocksPerRow({ blockSize }: QuantFormat, columns: number): number {
  return Math.ceil(columns / blockSize);
}

/** Bytes of a block's codes. */
export function bytesPerBlock({ bits, blockSize }: QuantFormat): number {
  return (blockSize * bits) / 8;
}

/** Shapes of the operator's inputs for a weight `[rows, columns]`: codes are uint8, scales float32 or float16. */
export function quantizedShapes(
  format: QuantFormat,
  rows: number,
  columns: number,
): { codes: [number, number, number]; scales: [number, number] } {
  const blocks = blocksPerRow(format, columns);
  return { codes: [rows, blocks, bytesPerBlock(format)], scales: [rows, blocks] };
}

/** Bytes of codes and scales together for a weight `[rows, columns]`. */
export function quantizedByteLength(
  format: QuantFormat,
  rows: number,
  columns: number,
  scaleDtype: 'float32' | 'float16',
): number {
  const scaleBytes = scaleDtype === 'float32' ? 4 : 2;
  return rows * blocksPerRow(format, columns) * (bytesPerBlock(format) + scaleBytes);
}
