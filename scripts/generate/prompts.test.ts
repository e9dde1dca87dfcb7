import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { UsageError } from '../command-line.mjs';
import { readPrompts } from './prompts.mjs';

let folder = '';

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'zoetrope-prompts-'));
});

afterAll(() => rmSync(folder, { recursive: true }));

function read(name: string, content: string | Uint8Array): ReturnType<typeof readPrompts> {
  const path = join(folder, name);
  writeFileSync(path, content);
  return readPrompts({ path, typed: name }, {});
}

function refusalOf(name: string, content: string | Uint8Array): string {
  try {
    read(name, content);
  } catch (error) {
    expect(error).toBeInstanceOf(UsageError);
    return (error as Error).message;
  }
  return expect.unreachable(`${name} was read`);
}

/** With a byte order mark, as Notepad and PowerShell write it. */
const utf16 = (text: string): Buffer => Buffer.from(`\uFEFF${text}`, 'utf16le');

describe('a file of prompts in the encodings of editors', () => {
  const TEXT = 'a red ball\r\n\r\nein blauer Käfer – 红球\r\n';
  const JSON_TEXT = '[\r\n "a red ball",\r\n { "prompt": "ein blauer Käfer – 红球" }\r\n]\r\n';

  it.each([
    ['UTF-8', (text: string) => Buffer.from(text)],
    ['UTF-8 with a mark', (text: string) => Buffer.from(`\uFEFF${text}`)],
    ['UTF-16, little end first', utf16],
    ['UTF-16, big end first', (text: string) => utf16(text).swap16()],
  ])('%s', (_, encode) => {
    const expected = [{ prompt: 'a red ball' }, { prompt: 'ein blauer Käfer – 红球' }];
    expect(read('p.txt', encode(TEXT))).toEqual(expected);
    expect(read('p.json', encode(JSON_TEXT))).toEqual(expected);
  });

  it('or in none of them', () => {
    const latin = Buffer.from('a ball\na K\u00E4fer\n', 'latin1');
    expect(refusalOf('p.txt', latin)).toBe(
      '--prompts: p.txt has bytes in line 2 that are not UTF-8: save it as UTF-8.',
    );
    expect(refusalOf('p.txt', Buffer.from('a\0b'))).toContain('is not a text file');
    expect(refusalOf('p.txt', Buffer.from('a ball', 'utf16le'))).toContain('is not a text file');
  });
});

describe('a file of prompts', () => {
  it('may have an entry a line', () => {
    expect(read('p.jsonl', '{ "prompt": "a", "seed": 7 }\n\n"b"\n')).toEqual([
      { prompt: 'a', seed: 7 },
      { prompt: 'b' },
    ]);
    expect(refusalOf('p.jsonl', '"a"\n{ "prompt": "b", }')).toContain(
      'line 2, column 18: there is a comma before the }',
    );
  });

  it('keeps seeds to the digit', () => {
    const list = '[{ "prompt": "a", "seed": 18446744073709551615 }, { "prompt": "", "seed": -1 }]';
    expect(read('p.json', list)).toEqual([
      { prompt: 'a', seed: 18446744073709551615n },
      { prompt: '', seed: -1 },
    ]);
  });

  it('gets the place where it is not JSON', () => {
    expect(refusalOf('p.json', '[\n  "a",\n  // b\n  "c"\n]')).toBe(
      '--prompts: p.json is not JSON: line 3, column 3: there is a comment, which JSON does not allow.',
    );
  });

  it.each([
    ['p.json', '', 'has no prompt'],
    ['p.json', '[]', 'has no prompt'],
    ['p.txt', ' \r\n\uFEFF\n', 'has no prompt'],
    ['p.json', '{ "prompts": ["a"] }', 'an object with a list in it'],
    ['p.json', '"a"', 'is not a list in JSON'],
    ['p.txt', 'a\n{ "prompt": "b" }', 'line 2 of p.txt is JSON'],
    ['p.csv', 'prompt,seed\na,1', '.csv files are not read'],
    ['p.json', '[["a"]]', 'entry 0 is not a prompt'],
    ['p.json', '[{ "prompt": "a", "num_frames": 5 }]', 'did you mean “numFrames”?'],
    [
      'p.json',
      '[{ "prompt": "a", "seed": 18446744073709551616 }]',
      '18446744073709551616, not a whole',
    ],
    ['p.json', '[{ "prompt": "a", "seed": 1.5 }]', '1.5, not a whole number'],
    ['p.json', '[{ "prompt": "a", "seed": null }]', '“seed” that is not a number'],
    ['p.json', '[{ "prompt": "a", "width": 0 }]', '“width” of 0, not a whole number of 1 or more'],
    ['p.json', '[{ "prompt": "a", "numInferenceSteps": 1001 }]', 'from 1 to 1000'],
    ['p.json', '[{ "prompt": "a", "prompt": "b" }]', 'a second "prompt" in one entry'],
  ])('%s with %j is refused', (name, content, message) => {
    expect(refusalOf(name, content)).toContain(message);
  });

  it('gets all that is wrong with it, up to ten things, with their lines', () => {
    const two = refusalOf('p.json', '[\n"a",\n{ "seed": "1",\n "sed": 2 },\n{ "prompt": 1 }\n]');
    expect(two.split('\n')).toEqual([
      '--prompts: 4 things are wrong in p.json:',
      '  entry 1 has a “seed” that is not a number (line 3)',
      '  entry 1 has “sed”, which is not known: did you mean “seed”? (line 3)',
      '  entry 1 has no “prompt” (line 3)',
      '  entry 2 has a “prompt” that is not a text (line 5)',
    ]);
    const many = refusalOf('p.json', JSON.stringify(Array.from({ length: 25 }, () => 7)));
    expect(many.split('\n')).toHaveLength(12);
    expect(many).toContain('entry 9 ');
    expect(many).toContain('and 15 more');
  });

  it('is read in the time that it takes to look at it once', () => {
    const list = Array.from({ length: 20_000 }, (_, index) => ({ prompt: `ball ${index}` }));
    const startedAt = performance.now();
    expect(read('p.json', JSON.stringify(list, undefined, 1))).toHaveLength(20_000);
    expect(performance.now() - startedAt).toBeLessThan(2000);
  });

  it('gets the reason why it cannot be read', () => {
    mkdirSync(join(folder, 'd.txt'));
    const missing = { path: join(folder, 'none.txt'), typed: './none.txt' };
    expect(() => readPrompts(missing, {})).toThrow('./none.txt cannot be read: it does not exist');
    const dir = { path: join(folder, 'd.txt'), typed: 'd.txt' };
    expect(() => readPrompts(dir, {})).toThrow('d.txt cannot be read: it is a folder');
  });
});
