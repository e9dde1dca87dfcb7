import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { repeatPixels } from './repeat-pixels.ts';

it('shows each pixel as a square, and goes on at the edges', () => {
  const small = fc.integer({ min: 1, max: 5 });
  const property = fc.property(
    small,
    small,
    small,
    fc.nat(2),
    fc.nat(2),
    (width, height, scale, right, below) => {
      // Inside a larger array, at an offset, as groups of frames have it.
      const all = Uint8ClampedArray.from(
        { length: (width * height + 2) * 4 },
        (_, i) => (i * 37) % 256,
      );
      const source = all.subarray(4, 4 + width * height * 4);
      const target = { width: width * scale + right, height: height * scale + below };
      const result = repeatPixels(source, width, height, scale, target);
      expect(result).toHaveLength(target.width * target.height * 4);
      for (let y = 0; y < target.height; y++) {
        for (let x = 0; x < target.width; x++) {
          const row = Math.min(Math.floor(y / scale), height - 1);
          const column = Math.min(Math.floor(x / scale), width - 1);
          const at = (y * target.width + x) * 4;
          const from = (row * width + column) * 4;
          expect(result.slice(at, at + 4)).toEqual(source.slice(from, from + 4));
        }
      }
    },
  );
  fc.assert(property, { numRuns: 50, seed: 1 });
});

it('gives a copy even where nothing is to be done', () => {
  const source = Uint8ClampedArray.of(1, 2, 3, 4);
  const result = repeatPixels(source, 1, 1, 1, { width: 1, height: 1 });
  expect(result).toEqual(source);
  expect(result.buffer).not.toBe(source.buffer);
});
