import { expect, test } from 'vitest';
import { unknownWords } from './unknown-words.ts';

const WORDS = new Set(['a', 'red', 'ball', 'moves', 'right', "doesn't"]);

test.each([
  ['a red ball moves right', []],
  ['', []],
  [' … — !? ', []],
  ['A Red BALL, moves: (right)!', []],
  ['a red\u00a0ball\nmoves   right.', []],
  ['a red/ball-right', []],
  // Compatibility forms, as the tokenizer takes them: full width, and a ligature.
  ['ｒｅｄ', []],
  ['ﬁne', ['fine']],
  ['a red dragon moves right', ['dragon']],
  ['Dragon, castle, DRAGON; a castle', ['dragon', 'castle']],
  ['ball’s', ["ball's"]],
  ['a ball doesn’t', []],
  ['‘red’ "ball"', []],
  ['reds', ['reds']],
  ['3 balls', ['3', 'balls']],
  ['ein schöner Ball', ['ein', 'schöner']],
  ['красный мяч', ['красный', 'мяч']],
  ['a red 🐉 moves', ['🐉']],
  ['constructor toString', ['constructor', 'tostring']],
])('%j has the unknown words %j', (prompt, unknown) => {
  expect(unknownWords(prompt, WORDS)).toEqual(unknown);
});
