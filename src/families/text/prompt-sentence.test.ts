import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { PromptLists } from '../family.ts';
import {
  completeChoice,
  type PromptChoice,
  promptSentence,
  readSentence,
} from './prompt-sentence.ts';

const LISTS: PromptLists = {
  colours: ['red', 'orange', 'blue'],
  subjects: ['ball', 'star', 'plus', 'plus sign'],
  motions: ['moves', 'moves left', 'bounces'],
  relations: ['left of', 'above'],
  grounds: ['on blue', 'at night'],
  cameras: ['the camera pans left', 'the camera zooms in (slowly)'],
};

/** It shows one thing in one place. */
const PLAIN: PromptLists = { ...LISTS, relations: [], grounds: [], cameras: [] };

const ALONE: PromptChoice = {
  colour: 'red',
  subject: 'ball',
  motion: 'bounces',
  relation: '',
  otherColour: '',
  otherSubject: '',
  ground: '',
  camera: '',
};

const FULL: PromptChoice = {
  ...ALONE,
  colour: 'orange',
  relation: 'left of',
  otherColour: 'blue',
  otherSubject: 'star',
  ground: 'at night',
  camera: 'the camera pans left',
};

const SEED = fc.integer({ min: 1, max: 2 ** 31 - 2 });

/** The minimal standard generator of Lehmer: any will do here, as long as it can be repeated. */
function drawsFrom(seed: number): () => number {
  let state = seed;
  return () => (state = (state * 48271) % (2 ** 31 - 1)) / (2 ** 31 - 1);
}

const read = (text: string): PromptChoice | undefined => readSentence(LISTS, text);

describe('a sentence', () => {
  test('is made of what was chosen', () => {
    expect(promptSentence(ALONE)).toBe('a red ball bounces');
    expect(promptSentence({ ...ALONE, ground: 'at night' })).toBe('a red ball bounces at night');
    expect(promptSentence({ ...ALONE, camera: 'the camera pans left' })).toBe(
      'a red ball bounces, the camera pans left',
    );
    expect(promptSentence(FULL)).toBe(
      'an orange ball bounces left of a blue star at night, the camera pans left',
    );
  });

  test.each(['red', 'blue', 'yellow', 'white'])('begins with “a” before %s', (colour) => {
    expect(promptSentence({ ...ALONE, colour })).toBe(`a ${colour} ball bounces`);
  });

  test.each(['orange', 'indigo', 'aqua', 'emerald', 'umber'])(
    'begins with “an” before %s',
    (colour) => {
      const other = { relation: 'above', otherColour: colour, otherSubject: 'star' };
      expect(promptSentence({ ...ALONE, colour, ...other })).toBe(
        `an ${colour} ball bounces above an ${colour} star`,
      );
    },
  );

  test('is read back into what it was made of', () => {
    expect(read(promptSentence(FULL))).toEqual(FULL);
    fc.assert(
      fc.property(SEED, (seed) => {
        const choice = completeChoice(LISTS, {}, drawsFrom(seed));
        expect(read(promptSentence(choice))).toEqual(choice);
      }),
    );
  });

  test('is read with the longest words that leave the rest readable', () => {
    expect(read('a red ball moves left')).toEqual({ ...ALONE, motion: 'moves left' });
    expect(read('a red ball moves left of a blue star')).toEqual({
      ...ALONE,
      motion: 'moves',
      relation: 'left of',
      otherColour: 'blue',
      otherSubject: 'star',
    });
    expect(read('a red plus sign bounces')).toEqual({ ...ALONE, subject: 'plus sign' });
  });

  test.each(['A red BALL bounces.', ' red  ball\nbounces ', 'an red ball bounces'])(
    'is read as people write it: %j',
    (text) => expect(read(text)).toEqual(ALONE),
  );

  test.each([
    '',
    'a red dragon bounces',
    'a red ball',
    'a red ball bounces left of',
    'a red ball bounces left of a star',
    'two red balls bounce',
    'a red ball bounces at night at night',
    'a red ball bounces, the camera zooms in slowly',
  ])('that the lists do not make is not read: %j', (text) => {
    expect(read(text)).toBeUndefined();
  });

  test('of lists without relations, grounds and cameras is one subject and its motion', () => {
    expect(readSentence(PLAIN, 'a red ball bounces')).toEqual(ALONE);
    expect(readSentence(PLAIN, 'a red ball bounces at night')).toBeUndefined();
    fc.assert(
      fc.property(SEED, (seed) => {
        expect(completeChoice(PLAIN, {}, drawsFrom(seed))).toMatchObject({
          relation: '',
          otherColour: '',
          otherSubject: '',
          ground: '',
          camera: '',
        });
      }),
    );
  });
});

describe('a choice', () => {
  const other = { colour: 'blue', subject: 'star', motion: 'moves', ground: 'at night' };

  test('keeps what was given', () => {
    fc.assert(
      fc.property(SEED, (seed) => {
        expect(completeChoice(LISTS, FULL, drawsFrom(seed))).toEqual(FULL);
        const given = { ...other, relation: '', camera: '' };
        expect(completeChoice(LISTS, given, drawsFrom(seed))).toEqual({
          ...given,
          otherColour: '',
          otherSubject: '',
        });
      }),
    );
  });

  test('drops the other subject with the relation', () => {
    expect(completeChoice(LISTS, { ...FULL, relation: '' })).toEqual({
      ...FULL,
      relation: '',
      otherColour: '',
      otherSubject: '',
    });
  });

  test('has two subjects that differ, and that can be told from the ground', () => {
    fc.assert(
      fc.property(SEED, fc.boolean(), (seed, givesOther) => {
        const given = givesOther
          ? { relation: 'above', otherColour: 'red', otherSubject: 'star', ground: 'on blue' }
          : { relation: 'above', ground: 'on blue' };
        const choice = completeChoice(LISTS, given, drawsFrom(seed));
        expect(choice.colour).not.toBe(choice.otherColour);
        expect(choice.subject).not.toBe(choice.otherSubject);
        expect([choice.colour, choice.otherColour]).not.toContain('blue');
      }),
    );
  });

  test('is made even where nothing can be avoided', () => {
    const lists = { ...LISTS, colours: ['blue'], subjects: ['ball'] };
    const choice = completeChoice(lists, { relation: 'above', ground: 'on blue', motion: 'moves' });
    expect(promptSentence({ ...choice, camera: '' })).toBe(
      'a blue ball moves above a blue ball on blue',
    );
  });

  test('draws all that there is', () => {
    const drawn = new Set<string>();
    const random = drawsFrom(7);
    for (let draw = 0; draw < 400; draw++) {
      for (const text of Object.values(completeChoice(LISTS, {}, random))) drawn.add(text);
    }
    expect(drawn).toEqual(new Set(['', ...Object.values(LISTS).flat()]));
  });
});
