import { expect, test } from 'vitest';
import { decodeFp8, dequantizeFp8, encodeFp8, quantizeFp8 } from './fp8.ts';

/** value, code: by torch.float8_e4m3fn of PyTorch 2.13. */
const TORCH: readonly (readonly [number, number])[] = [
  [0, 0],
  [-0, 128],
  [1, 56],
  [1.0625, 56],
  [1.1875, 58],
  [448, 126],
  [464, 126],
  [465, 126],
  [500, 126],
  [1e-9, 0],
  [0.0009765625, 0],
  [0.0009765999857336283, 1],
  [0.001, 1],
  [0.0029296875, 2],
  [0.0146484375, 8],
  [0.014999999664723873, 8],
  [0.0171, 9],
  [3.14159, 69],
  [-2.71828, 195],
  [-17, 216],
  [-19, 218],
  [232, 118],
  [240, 119],
  [248, 120],
  [Number.NaN, 127],
];

test('codes are those of torch.float8_e4m3fn', () => {
  for (const [value, code] of TORCH) expect([value, encodeFp8(value)]).toEqual([value, code]);
});

test('every code survives decoding and encoding', () => {
  for (let code = 0; code < 256; code++) {
    const value = decodeFp8(code);
    expect(encodeFp8(value) & (Number.isNaN(value) ? 0x7f : 0xff)).toBe(
      Number.isNaN(value) ? 0x7f : code,
    );
  }
  expect(decodeFp8(1)).toBe(2 ** -9);
  expect(decodeFp8(0x7e)).toBe(448);
  expect(decodeFp8(0xbc)).toBe(-1.5);
});

test('rows have scales of their own; a row of zeros stays zero', () => {
  const weights = Float32Array.of(1, -2, 0.5, 0, 0, 0, 1000, 1, -1000);
  const back = dequantizeFp8(quantizeFp8(weights, 3), 3);
  for (const [i, weight] of weights.entries()) {
    expect(Math.abs((back[i] ?? Number.NaN) - weight)).toBeLessThanOrEqual(Math.abs(weight) / 16);
  }
});
