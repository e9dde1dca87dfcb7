import { Float16Array } from '@petamoriken/float16';
import { expect, test } from 'vitest';
import { halfBits, halfValue } from './quantize-half.ts';

test('all float16 values survive, and what lies between them is rounded as float16 arrays round', () => {
  for (let half = 0; half < 0x10000; half++) {
    const value = halfValue(half);
    if (Number.isNaN(value)) expect((half & 0x7fff) > 0x7c00).toBe(true);
    else if (halfBits(value) !== half) expect(halfBits(value)).toBe(half);
  }
  const values = Float32Array.from({ length: 4000 }, (_, i) => Math.sin(i) * 2 ** (i / 80 - 30));
  values.set([65504, 65519, 65520, 2 ** -24, 2 ** -25, 3 * 2 ** -25, 2 ** -14, Number.NaN]);
  const expected = new Uint16Array(new Float16Array(values).buffer);
  expect(Array.from(values, halfBits)).toEqual([...expected]);
});
