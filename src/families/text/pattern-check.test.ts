import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import multilingual from '../../../models/parity/fixtures/tokenizer-multilingual/tokenizer.json' with { type: 'json' };
import pocket from '../../../models/pocket/tokenizer/tokenizer.json' with { type: 'json' };
import { faultOfPatterns, repeatsRepetition } from './pattern-check.ts';

/** As their `tokenizer.json` files have them. */
const PUBLISHED = {
  'GPT-2': String.raw`'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`,
  CLIP: String.raw`'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+`,
  'Llama 3': String.raw`(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`,
  Qwen2: String.raw`(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`,
  'GPT-4o': String.raw`[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+`,
  BLOOM: ' ?[^(\\s|[.,!?…。，、।۔،])]+',
  DeepSeek:
    '[!"#$%&\'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+',
  'digits in threes': String.raw`\d{1,3}(?=(?:\d{3})*\b)`,
  umT5: ' {2,}',
};

const CATASTROPHIC = [
  '(a+)+$',
  '(a*)*b',
  '([a-zA-Z]+)*$',
  '(?:a+)+b',
  '(?<name>\\w+\\s?)+$',
  '((ab)*c)*d',
  '(a+){10,}b',
  '(?:(?:a+)?x?)+$',
  '([^\\]]+)+$',
  '[[](a+)+$',
  '(\\p{L}+|\\s)*!',
];

describe('a pattern of a tokenizer', () => {
  it.each(Object.entries(PUBLISHED))('of %s is taken', (_, pattern) => {
    expect(repeatsRepetition(pattern)).toBe(false);
    expect(faultOfPatterns({ type: 'Split', pattern: { Regex: pattern } })).toBeUndefined();
  });

  it.each(CATASTROPHIC)('that may never end is refused: %s', (pattern) => {
    expect(faultOfPatterns({ normalizers: [{ pattern: { Regex: pattern } }] })).toContain(
      'a repetition inside a repetition',
    );
  });

  it.each([
    '(a+)?b',
    '(ab){3}',
    '(a{1,3})+',
    '\\(a+\\)+',
    '[(a+)]+',
    '(a|b)+',
    'a+b+c+',
    '(a+){2}',
  ])('that repeats nothing without end twice over is taken: %s', (pattern) => {
    expect(repeatsRepetition(pattern)).toBe(false);
  });

  it('is refused if it is too long, not text, one of too many, or nested too deeply', () => {
    expect(faultOfPatterns({ Regex: 'a'.repeat(5000) })).toContain('5000 characters');
    expect(faultOfPatterns({ Regex: 7 })).toContain('not text');
    expect(faultOfPatterns(Array.from({ length: 100 }, () => ({ Regex: 'a' })))).toContain(
      'too many',
    );
    expect(faultOfPatterns({ single: Array.from({ length: 3000 }, () => 'a') })).toContain(
      'too many steps',
    );
    const deep = JSON.parse('['.repeat(50_000) + ']'.repeat(50_000)) as unknown;
    expect(faultOfPatterns(deep)).toContain('too deeply');
  });
});

it('the tokenizers of this repository have no such patterns', () => {
  for (const { normalizer, pre_tokenizer: pre, post_processor: post } of [pocket, multilingual]) {
    expect(faultOfPatterns(normalizer, pre, post)).toBeUndefined();
  }
});

it('a worker in a pattern that never ends can be ended: what is not recognized stops with its worker', async () => {
  // Not recognized: `a` and `aa` are two ways to match the same letters.
  expect(repeatsRepetition('(a|aa)+$')).toBe(false);
  const code = `
    const { parentPort } = require('node:worker_threads');
    parentPort.postMessage('begins');
    /(a|aa)+$/u.test('a'.repeat(200) + 'b');
    parentPort.postMessage('ends');
  `;
  const worker = new Worker(code, { eval: true });
  const messages: unknown[] = [];
  worker.on('message', (message) => messages.push(message));
  await expect.poll(() => messages).toEqual(['begins']);
  const started = performance.now();
  await worker.terminate();
  expect(performance.now() - started).toBeLessThan(5000);
  expect(messages).toEqual(['begins']);
});
