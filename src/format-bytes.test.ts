import { expect, it } from 'vitest';
import { formatBytes } from './format-bytes.ts';

it.each([
  [-1, '0 bytes'],
  [0, '0 bytes'],
  [999, '999 bytes'],
  [1000, '1.0 kB'],
  [24_130_000, '24.1 MB'],
  [999_900, '1.0 MB'],
  [2_840_000_000, '2.8 GB'],
  [512_000_000, '512 MB'],
])('%d is %s', (bytes, text) => {
  expect(formatBytes(bytes)).toBe(text);
});

it.each([
  [24_100_000, '24.1 MB'],
  [24_100_001, '24.2 MB'],
  [512_300_000, '513 MB'],
])('at least %d is %s', (bytes, text) => {
  expect(formatBytes(bytes, 'up')).toBe(text);
});
