import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { PromptVocabulary } from '../family.ts';
import { unknownWords } from './unknown-words.ts';
import { faultOfVocabulary } from './vocabulary-format.ts';

const BUILDER = {
  colours: ['red'],
  subjects: ['ball'],
  motions: ['moves right'],
  relations: ['left of'],
  grounds: ['at night'],
  cameras: ['the camera pans left'],
};
const GOOD = { samples: ['a red ball moves right'], builder: BUILDER, words: ['a', 'red'] };
const builder = (changed: object): object => ({ ...GOOD, builder: { ...BUILDER, ...changed } });

test('a vocabulary has no fault, nor has one without relations, grounds and cameras', () => {
  expect(faultOfVocabulary(GOOD)).toBeUndefined();
  expect(faultOfVocabulary(builder({ relations: [], grounds: [], cameras: [] }))).toBeUndefined();
  expect(faultOfVocabulary(builder({ pairMotions: ['moves right'] }))).toBeUndefined();
});

test.each([
  [null, ' is not an object'],
  [['red'], ' is not an object'],
  ['red', ' is not an object'],
  [{}, '.builder is not an object'],
  [{ ...GOOD, builder: [] }, '.builder is not an object'],
  [{ ...GOOD, sample: [] }, '.sample is nothing that is known'],
  [builder({ toString: ['red'] }), '.builder.toString is nothing that is known'],
  [{ ...GOOD, samples: undefined }, '.samples is no list'],
  [{ ...GOOD, samples: [] }, '.samples is empty'],
  [{ ...GOOD, samples: 'a red ball' }, '.samples is no list'],
  [{ ...GOOD, words: undefined }, '.words is no list'],
  [{ ...GOOD, words: [] }, '.words is empty'],
  [{ ...GOOD, words: ['a', 'Red'] }, '.words[1] is no word in lower case'],
  [{ ...GOOD, words: ['a red'] }, '.words[0] is no word in lower case'],
  [builder({ colours: [] }), '.builder.colours is empty'],
  [builder({ subjects: [] }), '.builder.subjects is empty'],
  [builder({ motions: [] }), '.builder.motions is empty'],
  [builder({ pairMotions: [] }), '.builder.pairMotions is empty'],
  [builder({ pairMotions: 'moves right' }), '.builder.pairMotions is no list'],
  [builder({ pairMotions: ['moves right', 'spins'] }), 'pairMotions has “spins”'],
  [builder({ colours: { 0: 'red' } }), '.builder.colours is no list'],
  [builder({ relations: undefined }), '.builder.relations is no list'],
  [builder({ grounds: [''] }), '.builder.grounds[0] is no text'],
  [builder({ cameras: ['the camera pans', 3] }), '.builder.cameras[1] is no text'],
  [builder({ motions: [null] }), '.builder.motions[0] is no text'],
  [builder({ motions: [' spins'] }), '.builder.motions[0] is no text'],
])('the fault of %j is told', (value, fault) => {
  expect(faultOfVocabulary(value)).toContain(fault);
});

test('the bundled model knows every word that its samples and its builder offer', () => {
  const { prompts } = JSON.parse(readFileSync('models/pocket/zoetrope.json', 'utf8')) as {
    prompts: PromptVocabulary;
  };
  expect(faultOfVocabulary(prompts)).toBeUndefined();
  const words = new Set(prompts.words);
  const offered = [...prompts.samples, ...Object.values(prompts.builder).flat(), 'a an'].join(' ');
  expect(unknownWords(offered, words)).toEqual([]);
  expect(unknownWords('a red dragon', words)).toEqual(['dragon']);
});
