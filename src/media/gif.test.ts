import { decode, encode } from 'modern-gif';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { withGifComment } from './gif-comment.ts';
import { gifDelays } from './gif-delays.ts';
import { readGifComment } from './test-gif-comment.ts';

describe('withGifComment', () => {
  it.each([0, 1, 255, 256, 1000])('adds a comment of %d characters', async (length) => {
    const data = new Uint8ClampedArray(4 * 4).fill(255);
    const plain = new Uint8Array(await encode({ width: 2, height: 2, frames: [{ data }] }));
    const comment = 'abcdefghij'.repeat(100).slice(0, length);
    const gif = withGifComment(plain, comment);
    expect(decode(gif).frames).toHaveLength(1);
    expect(readGifComment(gif)).toBe(comment);
  });

  it('escapes what is not ASCII', () => {
    const gif = withGifComment(new Uint8Array(13), JSON.stringify({ prompt: 'é 🔴' }));
    const text = new TextDecoder().decode(gif.subarray(16, -1));
    expect(text).toBe(String.raw`{"prompt":"\u00e9 \ud83d\udd34"}`);
    expect(JSON.parse(text)).toEqual({ prompt: 'é 🔴' });
  });

  it('goes behind the colour table', () => {
    const gif = new Uint8Array(13 + 12 + 1);
    gif.set([0x80 | 1], 10);
    gif.set([0x3b], 25);
    expect([...withGifComment(gif, 'x').subarray(25)]).toEqual([0x21, 0xfe, 1, 0x78, 0, 0x3b]);
  });
});

describe('gifDelays', () => {
  it('keeps every frame within half a hundredth of a second of its time', () => {
    const rates = fc.double({ min: 1, max: 40, noNaN: true });
    const property = fc.property(fc.integer({ min: 1, max: 200 }), rates, (count, frameRate) => {
      let time = 0;
      for (const [i, delay] of gifDelays(count, frameRate).entries()) {
        expect(Math.abs(time - (i * 100) / frameRate)).toBeLessThanOrEqual(0.5 + 1e-9);
        time += delay;
      }
    });
    fc.assert(property, { numRuns: 100, seed: 1 });
  });

  it('has no delay that browsers would stretch', () => {
    expect(gifDelays(3, 100)).toEqual([2, 2, 2]);
  });
});
