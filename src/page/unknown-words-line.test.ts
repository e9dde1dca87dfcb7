import { expect, test } from 'vitest';
import { unknownWordsLine } from './unknown-words-line.ts';

test.each([
  ['', ''],
  ['dragon', 'The model was never taught ‘dragon’; it will guess.'],
  ['dragon castle', 'The model was never taught ‘dragon’ and ‘castle’; it will guess.'],
  ['a b c d', 'The model was never taught ‘a’, ‘b’, ‘c’ and ‘d’; it will guess.'],
  ['a b c d e', 'The model was never taught ‘a’, ‘b’, ‘c’ and 2 other words; it will guess.'],
])('of %j the line is %j', (words, line) => {
  expect(unknownWordsLine(words.split(' ').filter((word) => word !== ''))).toBe(line);
});
