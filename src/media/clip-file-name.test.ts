import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { clipFileName } from './clip-file-name.ts';

describe('clipFileName', () => {
  it.each([
    ['a red circle moves right', 'a-red-circle-moves-right'],
    ['  A “Red” Círcle, naïve!  ', 'a-red-circle-naive'],
    ['../../etc/passwd\0', 'etc-passwd'],
    ['CON', 'con'],
    ['красный круг', 'красный-круг'],
    ['红色圆圈向右移动', '红色圆圈向右移动'],
    ['🔴 → !', 'clip'],
    ['', 'clip'],
    ['x'.repeat(300), 'x'.repeat(48)],
    ['word '.repeat(30), 'word-word-word-word-word-word-word-word-word'],
  ])('names %j', (prompt, stem) => {
    expect(clipFileName({ prompt, seed: 7 }, 'mp4')).toBe(`${stem}-seed-7.mp4`);
  });

  it('is always a short name of letters, digits and hyphens', () => {
    const property = fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (prompt) => {
      const name = clipFileName({ prompt, seed: Number.MAX_SAFE_INTEGER }, 'webm');
      expect(name).toMatch(/^[\p{L}\p{M}\p{N}-]+-seed-\d+\.webm$/u);
      expect(new TextEncoder().encode(name).length).toBeLessThan(255);
    });
    fc.assert(property, { numRuns: 500, seed: 1 });
  });

  it('has every digit of the seed', () => {
    const seed = 2n ** 64n - 1n;
    expect(clipFileName({ prompt: 'a ball', seed }, 'mp4')).toBe(`a-ball-seed-${seed}.mp4`);
    expect(clipFileName({ prompt: 'a ball', seed: -1 }, 'mp4')).toBe('a-ball-seed--1.mp4');
  });
});
