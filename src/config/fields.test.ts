import { describe, expect, test } from 'vitest';
import { describe as describeValue, Fields } from './fields.ts';

const RANGE = { least: 1, most: 10 };

describe('fields of a file', () => {
  test.each(['constructor', '__proto__', 'toString', 'hasOwnProperty', 'valueOf'])(
    'that the file does not have are absent: %s',
    (name) => {
      const fields = new Fields({}, 'a.json');
      expect(fields.get(name)).toBeUndefined();
      expect(fields.integer(name, RANGE, 3)).toBe(3);
      expect(() => fields.only(name, null)).not.toThrow();
      expect(() => fields.refuse(name)).not.toThrow();
    },
  );

  test('that are named like a method of every object are read', () => {
    const fields = new Fields(JSON.parse('{"constructor": 4, "__proto__": 5}'), 'a.json');
    expect(fields.integer('constructor', RANGE)).toBe(4);
    expect(fields.integer('__proto__', RANGE)).toBe(5);
    expect(fields.names()).toEqual(['constructor', '__proto__']);
  });

  test('hold numbers within their range, and say so where they do not', () => {
    const json = JSON.parse('{"big": 1e400, "half": 1.5, "text": "3", "none": null}') as unknown;
    const fields = new Fields(json, 'a.json', { hint: 'Mend it.' });
    for (const [name, message] of [
      ['big', 'a.json: big is beyond the largest number, not a whole number from 1 to 10.'],
      ['half', 'a.json: half is 1.5, not a whole number from 1 to 10.'],
      ['text', 'a.json: text is "3", not a whole number from 1 to 10.'],
      ['none', 'a.json: none is null, not a whole number from 1 to 10.'],
      ['gone', 'a.json: gone is absent, not a whole number from 1 to 10.'],
    ] as const) {
      const error = { code: 'model-format', message, hint: 'Mend it.' };
      expect(() => fields.integer(name, RANGE)).toThrow(expect.objectContaining(error));
    }
    expect(fields.integer('none', RANGE, 7)).toBe(7);
    expect(fields.number('half', RANGE)).toBe(1.5);
  });

  test('hold lists of a bounded length, and the entry that is wrong is named', () => {
    const fields = new Fields({ list: [1, 2, 30], deep: [[1]] }, 'a.json');
    const range = { ...RANGE, length: 3 };
    expect(() => fields.integers('list', range, [])).toThrow(
      'a.json: list is a list of 3, whose entry 2 is 30: all must be whole numbers from 1 to 10.',
    );
    expect(() => fields.integers('list', { ...range, length: 2 }, [])).toThrow('longer than the 2');
    expect(() => fields.numbers('deep', range, [])).toThrow('entry 0 is a list of 1');
    expect(() => fields.booleans('list', 3, [])).toThrow('all must be true or false');
  });
});

test('values are shown short, and without entering what is nested', () => {
  const deep = JSON.parse('['.repeat(100_000) + ']'.repeat(100_000)) as unknown;
  expect(describeValue(deep)).toBe('a list of 1');
  expect(describeValue({ a: deep })).toBe('an object');
  expect(describeValue('a'.repeat(1e6))).toHaveLength(63);
  expect(describeValue(Number.NaN)).toBe('no number');
});
