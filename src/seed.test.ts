import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { canonicalSeed, lowBits, parseSeed, seedProblem } from './seed.mjs';

const LEAST = -(2n ** 63n);
const MOST = 2n ** 64n - 1n;
const valid = fc.bigInt({ min: LEAST, max: MOST });

describe('a seed', () => {
  test('keeps every digit from text to value to text', () => {
    const property = fc.property(valid, (seed) => {
      const read = parseSeed(String(seed));
      expect(String(read)).toBe(String(seed));
      expect(seedProblem(read)).toBeUndefined();
    });
    fc.assert(property, { numRuns: 200, seed: 1 });
  });

  test.each([
    ['7', 7],
    [' 007 ', 7],
    ['+7', 7],
    ['-0', 0],
    ['-1', -1],
    ['−1', -1],
    ['9007199254740991', Number.MAX_SAFE_INTEGER],
    ['9007199254740993', 9_007_199_254_740_993n],
    ['-9007199254740993', -9_007_199_254_740_993n],
    ['18446744073709551615', MOST],
    ['18446744073709551616', MOST + 1n],
  ])('is read from “%s”', (text, seed) => {
    expect(parseSeed(text)).toBe(seed);
  });

  test.each(['', 'seven', '7x', '1e3', '0x7', '7.0', '7,000', '--7', '7 8'])(
    'is not read from “%s”',
    (text) => {
      expect(parseSeed(text)).toBeNaN();
    },
  );

  test.each([0, -1, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER, 0n, -1n, LEAST, MOST])(
    'may be %d',
    (seed) => {
      expect(seedProblem(seed)).toBeUndefined();
    },
  );

  test.each([0.5, NaN, Infinity, -Infinity, LEAST - 1n, MOST + 1n, 1e300, '7', true, null, {}])(
    'may not be %o',
    (seed) => {
      expect(seedProblem(seed)?.message).toContain('is not a whole number from −2^63 to 2^64 − 1');
    },
  );

  test.each([2 ** 53, -(2 ** 53), 2 ** 63])('that a number has rounded is refused: %d', (seed) => {
    const problem = seedProblem(seed);
    expect(problem?.message).toContain('has rounded it already');
    expect(problem?.hint).toContain('BigInt');
  });

  test('is a number wherever that is exact', () => {
    expect(canonicalSeed(7n)).toBe(7);
    expect(canonicalSeed(-1n)).toBe(-1);
    expect(canonicalSeed(-0)).toBe(0);
    expect(canonicalSeed(MOST)).toBe(MOST);
  });

  test('gives the generator its low 32 bits', () => {
    for (const seed of [-1, -1n, MOST, 2 ** 32 - 1]) expect(lowBits(seed)).toBe(2 ** 32 - 1);
    for (const seed of [0, LEAST, 2n ** 63n, 2 ** 32]) expect(lowBits(seed)).toBe(0);
    expect(lowBits(2n ** 53n + 1n)).toBe(1);
    expect(lowBits(2 ** 32 + 7)).toBe(7);
  });
});
