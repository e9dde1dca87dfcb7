import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseExact, stringifyExact } from './exact-json.mjs';

const LARGE = 18_446_744_073_709_551_615n;

test('a BigInt is written as its digits, and read again', () => {
  const text = stringifyExact({ seed: LARGE, others: [-LARGE, 7] });
  expect(text).toBe(`{"seed":${LARGE},"others":[-${LARGE},7]}`);
  expect(parseExact(text)).toEqual({ seed: LARGE, others: [-LARGE, 7] });
});

test('texts with digits, quotes and backslashes are left alone', () => {
  const value = { prompt: `\\"${LARGE}", \\`, seed: LARGE, [`${LARGE}`]: 1.5e300 };
  expect(parseExact(stringifyExact(value, 2))).toEqual(value);
});

test('what has no large number in it is as JSON has it', () => {
  const property = fc.property(fc.jsonValue(), (value) => {
    const text = JSON.stringify(value, undefined, 2);
    fc.pre(!/\d{16}/.test(text));
    expect(stringifyExact(value, 2)).toBe(text);
    expect(parseExact(text)).toEqual(JSON.parse(text));
  });
  fc.assert(property, { numRuns: 200, seed: 1 });
});

test.each(['', '{', '[01]', '["a\n"]', `{seed: ${LARGE}}`])('%j is refused', (text) => {
  expect(() => parseExact(text)).toThrow(SyntaxError);
});
