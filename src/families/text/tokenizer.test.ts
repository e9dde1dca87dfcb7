import { describe, expect, it } from 'vitest';
import tokenizerJson from '../../../models/pocket/tokenizer/tokenizer.json' with { type: 'json' };
import tokenizerConfig from '../../../models/pocket/tokenizer/tokenizer_config.json' with { type: 'json' };
import fixture from '../../../models/parity/fixtures/tokenizer-cases.json' with { type: 'json' };
import multilingual from '../../../models/parity/fixtures/tokenizer-multilingual/cases.json' with { type: 'json' };
import multilingualConfig from '../../../models/parity/fixtures/tokenizer-multilingual/tokenizer_config.json' with { type: 'json' };
import multilingualJson from '../../../models/parity/fixtures/tokenizer-multilingual/tokenizer.json' with { type: 'json' };
import { pastedPrompts } from '../../testing/pasted-prompts.ts';
import { cleanPrompt } from './prompt.ts';
import { loadTokenizer } from './tokenizer.ts';

interface Case {
  prompt: string;
  cleaned: string;
  ids: number[];
  ids_of_uncleaned: number[];
  truncated?: number[];
}
const CASES: Case[] = fixture.cases;
const MODEL_FORMAT = expect.objectContaining({ code: 'model-format' });
const INVALID = expect.objectContaining({ code: 'invalid-argument' });

const tokenizer = loadTokenizer(tokenizerJson, tokenizerConfig);

describe('encodePrompt', () => {
  it.each(CASES)('has the ids of transformers for $prompt', ({ prompt, cleaned, ...reference }) => {
    expect(tokenizer.encodePrompt(cleaned, 1000)).toEqual({
      ids: reference.ids,
      truncatedTokens: 0,
    });
    expect(tokenizer.encodePrompt(prompt, 1000).ids).toEqual(reference.ids_of_uncleaned);
    expect(tokenizer.encodePrompt(cleanPrompt(prompt), 1000).ids).toEqual(reference.ids);
    if (!reference.truncated) return;
    expect(tokenizer.encodePrompt(cleaned, fixture.max_length)).toEqual({
      ids: reference.truncated,
      truncatedTokens: reference.ids.length - fixture.max_length,
    });
  });

  it.each(pastedPrompts())('has the ids of transformers for pasted $prompt', ({ prompt, ids }) => {
    expect(tokenizer.encodePrompt(cleanPrompt(prompt), 1000).ids).toEqual(ids);
  });

  it('keeps the end token at every length', () => {
    const { ids } = tokenizer.encodePrompt('a red circle moves right', 100);
    for (let length = 1; length <= 10; length++) {
      const kept = Math.min(length, ids.length);
      expect(tokenizer.encodePrompt('a red circle moves right', length)).toEqual({
        ids: [...ids.slice(0, kept - 1), 1],
        truncatedTokens: ids.length - kept,
      });
    }
  });

  it.each([0, -1, 2.5, NaN, Infinity])('refuses %d as a length', (length) => {
    expect(() => tokenizer.encodePrompt('a', length)).toThrow(INVALID);
  });
});

describe('a vocabulary of the kind of umT5', () => {
  const umt5 = loadTokenizer(multilingualJson, multilingualConfig);

  it.each(multilingual.cases)('has the ids of transformers for $prompt', ({ prompt, ids }) => {
    expect(umt5.encodePrompt(prompt, 1000).ids).toEqual(ids);
  });

  it('falls back to bytes', () => {
    const pieces = multilingualJson.model.vocab.map(([piece]) => piece);
    const { ids } = umt5.encodePrompt('🔴', 512);
    expect(ids.map((id) => pieces[id])).toEqual([
      '▁',
      '<0xF0>',
      '<0x9F>',
      '<0x94>',
      '<0xB4>',
      '</s>',
    ]);
  });
});

describe('loadTokenizer', () => {
  it.each([
    [64, 64],
    [226, 226],
    [512, 512],
    [1e30, 512],
    [undefined, 512],
  ])('with model_max_length %d has a default of %d', (model_max_length, expected) => {
    const config = { ...tokenizerConfig, model_max_length };
    expect(loadTokenizer(tokenizerJson, config).defaultMaxSequenceLength).toBe(expected);
  });

  it('takes special tokens that are written as objects', () => {
    const config = { ...tokenizerConfig, eos_token: { content: '</s>', lstrip: false } };
    const { ids } = loadTokenizer(tokenizerJson, config).encodePrompt('red', 10);
    expect(ids).toEqual(tokenizer.encodePrompt('red', 10).ids);
  });

  it.each([
    ['no object', null],
    ['an array', []],
    ['no model', { ...tokenizerJson, model: undefined }],
    ['a null model', { ...tokenizerJson, model: null }],
    ['an unknown model', { ...tokenizerJson, model: { type: 'Phrase', vocab: {} } }],
    ['an empty vocabulary', { ...tokenizerJson, model: { ...tokenizerJson.model, vocab: [] } }],
    ['a vocabulary of text', { ...tokenizerJson, model: { ...tokenizerJson.model, vocab: 'abc' } }],
    ['no added tokens', { ...tokenizerJson, added_tokens: undefined }],
    ['no end token', { ...tokenizerJson, post_processor: null }],
    ['an unknown normalizer', { ...tokenizerJson, normalizer: { type: 'Rot13' } }],
  ])('refuses a tokenizer.json that has %s', (_, json) => {
    expect(() => loadTokenizer(json, tokenizerConfig)).toThrow(MODEL_FORMAT);
  });

  it.each([[null], [[]], [{ model_max_length: 'long' }], [{ model_max_length: -1 }]])(
    'refuses %o as tokenizer_config.json',
    (config) => {
      expect(() => loadTokenizer(tokenizerJson, config)).toThrow(MODEL_FORMAT);
    },
  );
});

function split(pattern: string): object {
  const pretokenizer = { type: 'Split', pattern: { Regex: pattern }, behavior: 'Isolated' };
  return { ...tokenizerJson, pre_tokenizer: { ...pretokenizer, invert: false } };
}

describe('a tokenizer.json cannot hang its worker', () => {
  it('by a pattern whose repetitions repeat: it is refused before it runs', () => {
    const started = performance.now();
    expect(() => loadTokenizer(split('(a+)+$'), tokenizerConfig)).toThrow(
      'a repetition inside a repetition, (a+)+$',
    );
    expect(performance.now() - started).toBeLessThan(500);
  });

  it('nor fail without a code by one that is not valid', () => {
    expect(() => loadTokenizer(split('['), tokenizerConfig)).toThrow(
      expect.objectContaining({
        code: 'model-format',
        message: expect.stringContaining('not a valid regular expression'),
      }),
    );
  });

  it('by replacing every letter with a thousand, again and again', () => {
    const swell = { type: 'Replace', pattern: { String: 'a' }, content: 'a'.repeat(1000) };
    const normalizer = { type: 'Sequence', normalizers: Array.from({ length: 8 }, () => swell) };
    expect(() => loadTokenizer({ ...tokenizerJson, normalizer }, tokenizerConfig)).toThrow(
      expect.objectContaining({
        code: 'model-format',
        message: expect.stringContaining('a normalizer makes'),
      }),
    );
  });

  it('by a map of characters that claims gigabytes', () => {
    const claim = btoa('\xfc\xff\xff\xff');
    const normalizer = { type: 'Precompiled', precompiled_charsmap: claim };
    expect(() => loadTokenizer({ ...tokenizerJson, normalizer }, tokenizerConfig)).toThrow(
      'the map of characters claims 4294967292 of 4 bytes',
    );
  });

  it('by a prompt without end', () => {
    const prompt = 'a '.repeat(60_000);
    expect(() => tokenizer.encodePrompt(prompt, 10)).toThrow(INVALID);
    expect(tokenizer.encodePrompt(prompt.slice(0, 100_000), 10).ids).toHaveLength(10);
  });
});
