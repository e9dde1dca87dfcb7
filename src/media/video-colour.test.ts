import { describe, expect, it } from 'vitest';
import { createI420Converter, videoColour } from './video-colour.ts';

const CODECS = ['avc', 'vp9', 'av1', 'vp8'] as const;

/** ITU-R BT.709 and BT.601 in real numbers, before rounding. */
function exactly(codec: (typeof CODECS)[number], [r, g, b]: readonly number[]) {
  const [kr, kb] = codec === 'vp8' ? [0.299, 0.114] : [0.2126, 0.0722];
  const [red = 0, green = 0, blue = 0] = [r, g, b].map((value = 0) => value / 255);
  const y = kr * red + (1 - kr - kb) * green + kb * blue;
  return [
    16 + 219 * y,
    128 + (224 * (blue - y)) / (2 * (1 - kb)),
    128 + (224 * (red - y)) / (2 * (1 - kr)),
  ];
}

describe.each(CODECS)('createI420Converter for %s', (codec) => {
  const convert = createI420Converter(videoColour(codec), 2, 2);

  it('is the standard to half a level, in limited range', () => {
    let largest = 0;
    for (let r = 0; r <= 255; r += 15) {
      for (let g = 0; g <= 255; g += 15) {
        for (let b = 0; b <= 255; b += 15) {
          const colour = [r, g, b, 255];
          const rgba = new Uint8ClampedArray([...colour, ...colour, ...colour, ...colour]);
          const [y0 = 0, y1, y2, y3, u = 0, v = 0] = convert(rgba);
          expect([y1, y2, y3]).toEqual([y0, y0, y0]);
          const [y = 0, exactU = 0, exactV = 0] = exactly(codec, colour);
          largest = Math.max(largest, Math.abs(y0 - y), Math.abs(u - exactU), Math.abs(v - exactV));
        }
      }
    }
    expect(largest).toBeLessThan(0.51);
  });

  it('makes greys of greys', () => {
    for (let grey = 0; grey <= 255; grey++) {
      const [, , , , u, v] = convert(new Uint8ClampedArray(16).fill(grey));
      expect([u, v]).toEqual([128, 128]);
    }
    expect(convert(new Uint8ClampedArray(16).fill(0))[0]).toBe(16);
    expect(convert(new Uint8ClampedArray(16).fill(255))[0]).toBe(235);
  });
});

describe('createI420Converter', () => {
  it('puts each pixel and each 2 × 2 mean in its place', () => {
    const [width, height] = [6, 4];
    const rgba = new Uint8ClampedArray(width * height * 4);
    for (let i = 0; i < rgba.length; i++) rgba[i] = (i * 97) % 256;
    const planes = createI420Converter(videoColour('vp9'), width, height)(rgba);
    expect(planes).toHaveLength(36);
    const pixel = (x: number, y: number): number[] => [
      ...rgba.subarray((y * width + x) * 4, (y * width + x) * 4 + 3),
    ];
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const [exact = 0] = exactly('vp9', pixel(x, y));
        expect(Math.abs((planes[y * width + x] ?? 0) - exact)).toBeLessThan(0.51);
      }
    }
    for (let y = 0; y < height; y += 2) {
      for (let x = 0; x < width; x += 2) {
        const four = [pixel(x, y), pixel(x + 1, y), pixel(x, y + 1), pixel(x + 1, y + 1)];
        const mean = [0, 1, 2].map((k) => four.reduce((sum, each) => sum + (each[k] ?? 0) / 4, 0));
        const [, u = 0, v = 0] = exactly('vp9', mean);
        const at = 24 + (y / 2) * 3 + x / 2;
        expect(Math.abs((planes[at] ?? 0) - u)).toBeLessThan(0.51);
        expect(Math.abs((planes[at + 6] ?? 0) - v)).toBeLessThan(0.51);
      }
    }
  });

  it('uses one array for all pictures', () => {
    const convert = createI420Converter(videoColour('avc'), 2, 2);
    expect(convert(new Uint8ClampedArray(16))).toBe(convert(new Uint8ClampedArray(16)));
  });
});
