import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { PromptLists } from '../family.ts';
import {
  changeChoice,
  completeChoice,
  type PromptChoice,
  promptSentence,
  readSentence,
} from './prompt-sentence.ts';

const LISTS: PromptLists = {
  colours: ['red', 'orange', 'blue'],
  subjects: ['ball', 'star', 'plus', 'plus sign'],
  motions: ['moves', 'moves left', 'bounces'],
  pairMotions: ['moves', 'bounces'],
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
};

const PANNED: PromptChoice = {
  ...ALONE,
  motion: '',
  ground: 'at night',
  camera: 'the camera pans left',
};

/** Of another subject that there no longer is, as `changeChoice` leaves it. */
const REST = { otherColour: 'blue', otherSubject: 'star' } as const;

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
    expect(promptSentence(PANNED)).toBe('a red ball at night, the camera pans left');
    expect(promptSentence(FULL)).toBe('an orange ball bounces left of a blue star at night');
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
    expect(read(promptSentence(PANNED))).toEqual(PANNED);
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
    'a red ball, the camera zooms in slowly',
    // It was not shown these together.
    'a red ball bounces, the camera pans left',
    'a red ball moves left above a blue star',
    'a red ball bounces above a blue star, the camera pans left',
    'a red ball above a blue star',
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
        expect(completeChoice(LISTS, PANNED, drawsFrom(seed))).toEqual(PANNED);
        const motion = completeChoice(LISTS, { motion: 'moves left' }, drawsFrom(seed));
        expect(motion).toMatchObject({ motion: 'moves left', relation: '', camera: '' });
        const relation = completeChoice(LISTS, { relation: 'above' }, drawsFrom(seed));
        expect(read(promptSentence(relation))).toEqual({ ...relation, relation: 'above' });
        const { camera } = PANNED;
        const panned = completeChoice(LISTS, { camera }, drawsFrom(seed));
        expect(panned).toMatchObject({ motion: '', relation: '', camera });
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

  test.each([
    [FULL, 'ground', 'on blue', { ...FULL, ground: 'on blue' }],
    [FULL, 'motion', 'moves', { ...FULL, motion: 'moves' }],
    [FULL, 'motion', 'moves left', { ...FULL, motion: 'moves left', relation: '' }],
    [FULL, 'camera', PANNED.camera, { ...FULL, ...PANNED, colour: 'orange', ...REST }],
    [PANNED, 'camera', '', { ...PANNED, camera: '' }],
    [PANNED, 'motion', 'moves left', { ...PANNED, camera: '', motion: 'moves left' }],
    [PANNED, 'relation', 'above', { ...PANNED, camera: '', relation: 'above' }],
    [
      { ...ALONE, motion: 'moves left' },
      'relation',
      'above',
      { ...ALONE, motion: '', relation: 'above' },
    ],
    [{}, 'colour', 'red', { colour: 'red' }],
  ] as const)('gives way where it was not shown so: %o, %s %j', (choice, part, text, changed) => {
    expect(changeChoice(LISTS, choice, part, text)).toEqual(changed);
    const completed = completeChoice(LISTS, changed);
    expect(read(promptSentence(completed))).toEqual(completed);
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

test('lists of many equal texts are read as fast as others', () => {
  const same = Array.from({ length: 1000 }, () => 'x');
  const lists: PromptLists = {
    colours: same,
    subjects: same,
    motions: same,
    relations: same,
    grounds: same,
    cameras: same,
  };
  const started = performance.now();
  expect(readSentence(lists, 'x x x x x x x !')).toBeUndefined();
  expect(performance.now() - started).toBeLessThan(200);
});
