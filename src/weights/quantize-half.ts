/** @file float16 bits of single numbers: one scale for each block adds up, and typed-array views are slow for single ones. */

/** Nearest float16 (ties to even) as bits; beyond 65504 infinity, NaN stays NaN. */
export function halfBits(value: number): number {
  NUMBER[0] = value;
  const bits = BITS[0] ?? 0;
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00;
  // 65520 is half way to the value that 65504's successor would be.
  if (magnitude >= 0x477ff000) return sign | 0x7c00;
  // Below 2⁻¹⁴ bits count multiples of 2⁻²⁴; adding and taking away 2⁵² rounds to an even integer.
  if (magnitude < 0x38800000) return sign | (Math.abs(value) * 2 ** 24 + 2 ** 52 - 2 ** 52);
  return ordinaryHalfBits(bits);
}

/** Of float32 bits between ±2⁻¹⁴ and ±65520, where float16 has all of its precision. */
export function ordinaryHalfBits(bits: number): number {
  const magnitude = bits & 0x7fffffff;
  // Drop 13 of 23 mantissa bits, rounding to even; a carry moves into the exponent as it should.
  const rounded = ((magnitude + 0xfff + ((magnitude >>> 13) & 1)) >>> 13) - ((127 - 15) << 10);
  return ((bits >>> 16) & 0x8000) | rounded;
}

/** The number that float16 bits stand for. */
export function halfValue(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >> 10) & 31;
  const mantissa = half & 0x3ff;
  if (exponent === 0) return sign * mantissa * 2 ** -24;
  if (exponent === 31) return mantissa === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  BITS[0] = ((half & 0x8000) << 16) | ((exponent + 112) << 23) | (mantissa << 13);
  return NUMBER[0] ?? 0;
}

const NUMBER = new Float32Array(1);
const BITS = new Uint32Array(NUMBER.buffer);
