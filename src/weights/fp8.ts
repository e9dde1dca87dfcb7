/**
 * @file FP8 e4m3fn (Micikevicius et al. 2022: four exponent bits with bias 7, three mantissa bits, no infinity) with one
 * scale for each row of a weight, as GPU runtimes store it. WebGPU has no such type: this is what the project's own
 * formats are compared with.
 */

/** Largest finite e4m3fn value; larger ones saturate. */
export const FP8_MAX = 448;
const NAN_CODE = 0x7f;

export interface Fp8Weight {
  readonly codes: Uint8Array<ArrayBuffer>;
  /** One for each row: weight = decoded code · scale. */
  readonly scales: Float32Array<ArrayBuffer>;
}

/** Nearest e4m3fn value, ties to even, saturating; NaN stays NaN. */
export function encodeFp8(value: number): number {
  NUMBER[0] = value;
  const bits = BITS[0] ?? 0;
  const sign = (bits >>> 24) & 0x80;
  const magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | NAN_CODE;
  const size = Math.abs(value);
  // 464 is half way to the value that 448's successor would be.
  if (size >= 464) return sign | (NAN_CODE - 1);
  // Below 2⁻⁶ codes count multiples of 2⁻⁹; adding and taking away 2⁵² rounds to an even integer.
  if (size < 0.015625) return sign | (size * 512 + 2 ** 52 - 2 ** 52);
  // Drop 20 of float32's 23 mantissa bits, rounding to even; a carry moves into the exponent as it should.
  const rounded = magnitude + 0x7ffff + ((magnitude >>> 20) & 1);
  return sign | Math.min((rounded >>> 20) - ((127 - 7) << 3), NAN_CODE - 1);
}

export function decodeFp8(code: number): number {
  const exponent = (code >> 3) & 15;
  const mantissa = code & 7;
  if ((code & 0x7f) === NAN_CODE) return Number.NaN;
  const size = exponent === 0 ? mantissa * 2 ** -9 : (1 + mantissa / 8) * 2 ** (exponent - 7);
  return code & 0x80 ? -size : size;
}

/** @param weights `[rows, columns]`, row-major. The largest weight of each row becomes ±448. */
export function quantizeFp8(weights: Float32Array, columns: number): Fp8Weight {
  const rows = weights.length / columns;
  const codes = new Uint8Array(weights.length);
  const scales = new Float32Array(rows);
  for (let row = 0; row < rows; row++) {
    const start = row * columns;
    let most = 0;
    for (let i = start; i < start + columns; i++) most = Math.max(most, Math.abs(weights[i] ?? 0));
    scales[row] = most / FP8_MAX;
    const scale = scales[row] ?? 0;
    const inverse = scale === 0 ? 0 : 1 / scale;
    for (let i = start; i < start + columns; i++) {
      codes[i] = encodeFp8((weights[i] ?? 0) * inverse);
    }
  }
  return { codes, scales };
}

/** The weights that {@link quantizeFp8} made codes of. */
export function dequantizeFp8(
  { codes, scales }: Fp8Weight,
  columns: number,
): Float32Array<ArrayBuffer> {
  const weights = new Float32Array(codes.length);
  for (let i = 0; i < codes.length; i++) {
    weights[i] = decodeFp8(codes[i] ?? 0) * (scales[Math.floor(i / columns)] ?? 0);
  }
  return weights;
}

const NUMBER = new Float32Array(1);
const BITS = new Uint32Array(NUMBER.buffer);
