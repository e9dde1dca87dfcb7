import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { toFloat16 } from './convert.ts';
import {
  countUnusable,
  describeUnusable,
  hasUnusable,
  hasUnusableValue,
  TOO_LARGE,
} from './finite.ts';

type Dtype = 'F32' | 'F16' | 'BF16';

function encode(dtype: Dtype, values: readonly number[]): Uint8Array<ArrayBuffer> {
  const floats = Float32Array.from(values);
  if (dtype === 'F32') return new Uint8Array(floats.buffer);
  if (dtype === 'F16') return new Uint8Array(toFloat16(floats).buffer);
  const words = new Uint32Array(floats.buffer);
  return new Uint8Array(Uint16Array.from(words, (word) => word >>> 16).buffer);
}

const BAD: Readonly<Record<Dtype, readonly number[]>> = {
  F32: [NaN, -NaN, Infinity, -Infinity, 3e38, -3e38, TOO_LARGE, -TOO_LARGE],
  F16: [NaN, Infinity, -Infinity, 65520],
  BF16: [NaN, Infinity, -Infinity, 3e38, -TOO_LARGE],
};

/** The largest of its type that is good, and the smallest there are. */
const GOOD: Readonly<Record<Dtype, readonly number[]>> = {
  F32: [0, -0, 1, -1, 65504, TOO_LARGE * (1 - 2 ** -24), 1e-45, -1e-38],
  F16: [0, -0, 1, -65504, 65504, 2 ** -24],
  BF16: [0, -0, 1, TOO_LARGE * (1 - 2 ** -8), -(2 ** 39), 2 ** -133],
};

describe.each(['F32', 'F16', 'BF16'] as const)('unusable values in %s', (dtype) => {
  test('are found at every place of every length, between any others', () => {
    for (let length = 1; length <= 11; length++) {
      const good = Array.from({ length }, (_, i) => GOOD[dtype][i % GOOD[dtype].length] ?? 0);
      expect(hasUnusable(dtype, encode(dtype, good))).toBe(false);
      for (let at = 0; at < length; at++) {
        for (const bad of BAD[dtype]) {
          const values = good.with(at, bad);
          expect(hasUnusable(dtype, encode(dtype, values)), `${bad} at ${at}`).toBe(true);
        }
      }
    }
  });

  test('are found in bytes that do not begin at a word', () => {
    const size = dtype === 'F32' ? 4 : 2;
    const bytes = encode(dtype, [NaN, 1, 2, 3, Infinity]);
    expect(hasUnusable(dtype, bytes.subarray(size, 4 * size))).toBe(false);
    expect(hasUnusable(dtype, bytes.subarray(size))).toBe(true);
    expect(hasUnusable(dtype, bytes.subarray(0, 2 * size))).toBe(true);
  });

  test('are those that the slow count finds, for any bits', () => {
    const words = fc.uint8Array({ minLength: 0, maxLength: 64 });
    fc.assert(
      fc.property(words, (raw) => {
        const size = dtype === 'F32' ? 4 : 2;
        const bytes = Uint8Array.from(raw.subarray(0, raw.length - (raw.length % size)));
        const { nan, infinite, tooLarge } = countUnusable(dtype, bytes);
        expect(hasUnusable(dtype, bytes)).toBe(nan + infinite + tooLarge > 0);
      }),
      { numRuns: 500, seed: 1 },
    );
  });
});

test('unusable values are counted by kind', () => {
  const bytes = encode('F32', [NaN, 1, Infinity, -Infinity, 1e30]);
  const counts = countUnusable('F32', bytes);
  expect(counts).toEqual({ nan: 1, infinite: 2, tooLarge: 1 });
  expect(describeUnusable(counts)).toBe('1 NaN, 2 infinite, 1 beyond ±2^40');
});

test('a million float32 values take a few milliseconds', () => {
  const values = Float32Array.from({ length: 1e6 }, (_, i) => Math.sin(i));
  const times = Array.from({ length: 20 }, () => {
    const start = performance.now();
    expect(hasUnusableValue(values)).toBe(false);
    return performance.now() - start;
  });
  // Measured: 1 ms. The bound leaves room for a busy machine.
  expect(Math.min(...times)).toBeLessThan(10);
});
