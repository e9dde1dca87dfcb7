/**
 * @file Finds values that no computation survives: NaN, infinity, and finite values so large that the square of a sum of
 * them overflows float32. A norm turns such a sum into zeros, so its result is finite and wrong. The scan compares the
 * raw bits, so it converts nothing and reads two 16-bit values at once.
 */
import { halfValue } from './quantize-half.ts';

/**
 * A magnitude from which a value counts as unusable, whatever its sign. Trained weights stay below 65504, the largest
 * float16. Two factors of 2⁴⁰ leave float32 a factor of 2⁴⁸ for the activations and their sum.
 */
export const TOO_LARGE = 2 ** 40;

/** How many values are unusable, by kind. */
export interface Unusable {
  readonly nan: number;
  readonly infinite: number;
  readonly tooLarge: number;
}

/** A word is one F32 value or two 16-bit values. */
interface WordTest {
  /** Keeps the magnitudes. */
  readonly magnitude: number;
  /** Added to a magnitude, it sets the sign bit of exactly the unusable values. No carry reaches the next value. */
  readonly excess: number;
  readonly signs: number;
}

const WORD_TESTS: Readonly<Record<string, WordTest>> = {
  F32: { magnitude: 0x7fffffff, excess: 0x80000000 - 0x53800000, signs: 0x80000000 | 0 },
  BF16: { magnitude: 0x7fff7fff, excess: 0x2c802c80, signs: 0x80008000 | 0 },
  // float16 ends at 65504: only infinity and NaN are beyond it.
  F16: { magnitude: 0x7fff7fff, excess: 0x04000400, signs: 0x80008000 | 0 },
};

/** Whether there is an unusable value. @param dtype F32, F16 or BF16. @param bytes Little-endian, whole elements. */
export function hasUnusable(dtype: string, bytes: Uint8Array): boolean {
  const { buffer, byteOffset, byteLength } = bytes;
  const test = WORD_TESTS[dtype];
  if (!test) throw new Error(`there is no test for ${dtype}`);
  // Single rows of an embedding table may start or end between two words.
  if (byteOffset % 4 !== 0) return isAny(countUnusable(dtype, bytes));
  const count = byteLength >> 2;
  const words = new Int32Array(buffer, byteOffset, count);
  const { magnitude, excess, signs } = test;
  let [a, b, c, d] = [0, 0, 0, 0];
  let i = 0;
  // Four sums that do not wait for each other.
  for (; i + 3 < count; i += 4) {
    a |= ((words[i] ?? 0) & magnitude) + excess;
    b |= ((words[i + 1] ?? 0) & magnitude) + excess;
    c |= ((words[i + 2] ?? 0) & magnitude) + excess;
    d |= ((words[i + 3] ?? 0) & magnitude) + excess;
  }
  for (; i < count; i++) a |= ((words[i] ?? 0) & magnitude) + excess;
  if (((a | b | c | d) & signs) !== 0) return true;
  return byteLength % 4 !== 0 && isAny(countUnusable(dtype, bytes.subarray(byteLength - 2)));
}

/** {@link hasUnusable} for float32 values. */
export function hasUnusableValue(values: Float32Array): boolean {
  return hasUnusable('F32', bytesOf(values));
}

/** Slow: for messages. */
export function countUnusable(dtype: string, bytes: Uint8Array): Unusable {
  const { buffer, byteOffset, byteLength } = bytes;
  const view = new DataView(buffer, byteOffset, byteLength);
  const size = dtype === 'F32' ? 4 : 2;
  let [nan, infinite, tooLarge] = [0, 0, 0];
  for (let at = 0; at + size <= byteLength; at += size) {
    const value = readValue(view, dtype, at);
    if (Number.isNaN(value)) nan++;
    else if (!Number.isFinite(value)) infinite++;
    else if (Math.abs(value) >= TOO_LARGE) tooLarge++;
  }
  return { nan, infinite, tooLarge };
}

export function countUnusableValues(values: Float32Array): Unusable {
  return countUnusable('F32', bytesOf(values));
}

/** `5 NaN, 2 infinite`. */
export function describeUnusable({ nan, infinite, tooLarge }: Unusable): string {
  const kinds = [
    [nan, 'NaN'],
    [infinite, 'infinite'],
    [tooLarge, 'beyond ±2^40'],
  ] as const;
  return kinds
    .filter(([count]) => count > 0)
    .map(([count, kind]) => `${count} ${kind}`)
    .join(', ');
}

function isAny({ nan, infinite, tooLarge }: Unusable): boolean {
  return nan + infinite + tooLarge > 0;
}

function readValue(view: DataView, dtype: string, at: number): number {
  if (dtype === 'F32') return view.getFloat32(at, true);
  const bits = view.getUint16(at, true);
  if (dtype === 'F16') return halfValue(bits);
  WORD[0] = bits << 16;
  return NUMBER[0] ?? 0;
}

function bytesOf({ buffer, byteOffset, byteLength }: Float32Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

const NUMBER = new Float32Array(1);
const WORD = new Uint32Array(NUMBER.buffer);
