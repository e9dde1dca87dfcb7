/** @file What the page says of words that a model was never taught. */

/** Words by name; the others are counted. */
const MOST = 4;

const list = new Intl.ListFormat('en-GB');

/** '' for none. */
export function unknownWordsLine(words: readonly string[]): string {
  if (words.length === 0) return '';
  const named = words.slice(0, words.length > MOST ? MOST - 1 : MOST).map((word) => `‘${word}’`);
  const others = words.length - named.length;
  const all = others === 0 ? named : [...named, `${others} other words`];
  return `The model was never taught ${list.format(all)}; it will guess.`;
}
