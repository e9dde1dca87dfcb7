import { assert, constantFrom, jsonValue, nat, property } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { scanJson } from './json-fault.mjs';

/** Whether `JSON.parse` takes it. */
function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

describe('scanJson', () => {
  it('agrees with JSON.parse on texts with one letter changed', () => {
    const letters = constantFrom(...'[]{}",:\\/-+.0e1tn \n\t\u0001x'.split(''));
    assert(
      property(jsonValue({ maxDepth: 3 }), nat(), letters, (value, place, letter) => {
        const text = JSON.stringify(value, undefined, 1);
        const at = place % (text.length + 1);
        for (const changed of [text, text.slice(0, at) + letter + text.slice(at + 1)]) {
          const scanned = scanJson(changed);
          // A name that is there twice is JSON, and refused.
          if ('fault' in scanned && scanned.fault.problem.startsWith('a second')) continue;
          expect('starts' in scanned, changed).toBe(isJson(changed));
        }
      }),
      { numRuns: 300 },
    );
  });

  it('says where the elements of a list begin', () => {
    expect(scanJson('[ "a",\n{"b": [1, 2]} ,3]')).toEqual({ starts: [2, 7, 22] });
  });

  it.each([
    ['["a",]', 5, 'a comma before the ]'],
    ['[{"a":1,}]', 8, 'a comma before the }'],
    ['// note\n[]', 0, 'a comment'],
    ['["a" /* note */]', 5, 'a comment'],
    ["['a']", 1, 'a single quote'],
    ['[“a”]', 1, 'a curly quote'],
    ['[{a: 1}]', 2, '“a” where a name in double quotes should be'],
    ['["a" "b"]', 5, 'where a comma or ] should be'],
    ['["a"', 4, 'the end of the file where a comma or ] should be'],
    ['["a\nb"]', 1, 'a text that does not end in its line'],
    ['[{"seed":1,"seed":2}]', 11, 'a second "seed"'],
    ['[] []', 3, 'something after the end'],
    ['[undefined]', 1, '“undefined” where a value should be'],
    ['', 0, 'the end of the file where a value should be'],
    ['['.repeat(5000), 101, 'too deep'],
  ])('%j has its fault at %d: %s', (text, offset, problem) => {
    expect(scanJson(text)).toEqual({
      fault: { offset, problem: expect.stringContaining(problem) },
    });
  });
});
