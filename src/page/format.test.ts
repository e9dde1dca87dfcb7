import { describe, expect, it } from 'vitest';
import { fileStem, formatDay, formatSeconds } from './format.ts';

describe('formatSeconds', () => {
  it.each([
    [-1, '0 s'],
    [7.6, '8 s'],
    [59.7, '1 min 0 s'],
    [125, '2 min 5 s'],
    [3780, '1 h 3 min'],
  ])('%d is %s', (seconds, text) => {
    expect(formatSeconds(seconds)).toBe(text);
  });
});

describe('formatDay', () => {
  const now = new Date(2026, 2, 10, 9, 30).getTime();

  it.each([
    [new Date(2026, 2, 10, 0, 1), 'today'],
    [new Date(2026, 2, 9, 23, 59), 'yesterday'],
    [new Date(2026, 2, 5, 12), '5 days ago'],
    [new Date(2025, 11, 24, 12), 'Dec 24, 2025'],
  ])('%s is %s', (then, text) => {
    expect(formatDay(then.getTime(), now)).toBe(text);
  });
});

describe('fileStem', () => {
  it('keeps words and the seed', () => {
    expect(fileStem('A red circle, moving → right!', 7)).toBe('a-red-circle-moving-right-7');
  });

  it('has a name for a prompt without words', () => {
    expect(fileStem('…', 3)).toBe('clip-3');
  });

  it('keeps long prompts short', () => {
    expect(fileStem('circle '.repeat(40), 1).length).toBeLessThan(52);
  });
});
