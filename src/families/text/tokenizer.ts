/**
 * @file Prompts to token ids, for text encoders of the T5 kind: the checkpoint's own `tokenizer.json`, and transformers'
 * truncation.
 */
import {
  type Normalizer,
  PrecompiledNormalizer,
  SequenceNormalizer,
  Tokenizer,
} from '@huggingface/tokenizers';
import { isRecord } from '../../config/fields.ts';
import { invalidArgument, modelFormat } from '../../errors.ts';
import { boundNormalizer, LONGEST_PROMPT, NormalizationError } from './bounded-normalizer.ts';
import { fallBackToBytes } from './byte-fallback.ts';
import { CharactersMap } from './characters-map.ts';
import { faultOfPatterns } from './pattern-check.ts';

/** What diffusers' pipelines for T5 use at most, whatever the tokenizer allows. */
const LONGEST_SEQUENCE = 512;

export interface EncodedPrompt {
  /** Token ids, the end token included and last. No padding. */
  readonly ids: number[];
  /** How many tokens of the prompt were cut off to make it fit. */
  readonly truncatedTokens: number;
}

export interface PromptTokenizer {
  /** Tokens, the end token included: 512, or `model_max_length` where that is less. */
  readonly defaultMaxSequenceLength: number;
  /**
   * As transformers' tokenizer with `truncation=True, max_length=maxSequenceLength`: of a prompt too long its beginning is
   * kept, and the end token.
   *
   * @param prompt Cleaned text. An empty one gives the end token alone.
   * @param maxSequenceLength Tokens, the end token included; 1 or more.
   * @throws ZoetropeError `invalid-argument`.
   */
  encodePrompt(prompt: string, maxSequenceLength: number): EncodedPrompt;
}

/**
 * @param tokenizerJson The parsed `tokenizer.json`.
 * @param tokenizerConfig The parsed `tokenizer_config.json`.
 * @throws ZoetropeError `model-format` when they are damaged, or add anything but end tokens to a prompt.
 */
export function loadTokenizer(tokenizerJson: unknown, tokenizerConfig: unknown): PromptTokenizer {
  if (!isRecord(tokenizerJson)) throw damaged('tokenizer.json is not an object.');
  if (!isRecord(tokenizerConfig)) throw damaged('tokenizer_config.json is not an object.');
  const { encode, ending } = open(tokenizerJson, tokenizerConfig);
  return {
    defaultMaxSequenceLength: Math.min(LONGEST_SEQUENCE, modelMaxLength(tokenizerConfig)),
    encodePrompt(prompt, maxSequenceLength) {
      if (!Number.isSafeInteger(maxSequenceLength) || maxSequenceLength < ending.length) {
        throw invalidArgument(
          'maxSequenceLength',
          `${maxSequenceLength} is not a whole number from ${ending.length}.`,
          `Try ${LONGEST_SEQUENCE}.`,
        );
      }
      if (prompt.length > LONGEST_PROMPT) {
        throw invalidArgument(
          'prompt',
          `it has ${prompt.length} characters, more than ${LONGEST_PROMPT}.`,
          `Shorten it: a model reads some ${LONGEST_SEQUENCE} words.`,
        );
      }
      const content = encodeWith(encode, prompt);
      const kept = content.slice(0, maxSequenceLength - ending.length);
      return { ids: [...kept, ...ending], truncatedTokens: content.length - kept.length };
    },
  };
}

interface Encoder {
  readonly encode: (text: string, addSpecialTokens: boolean) => number[];
  /** What follows every prompt: `</s>`. */
  readonly ending: readonly number[];
}

/** Damage that only some prompts meet is the tokenizer's, too. */
function encodeWith(encode: Encoder['encode'], prompt: string): number[] {
  let ids: number[];
  try {
    ids = encode(prompt, false);
  } catch (error) {
    throw damaged(`tokenizer.json cannot encode this prompt: ${reasonOf(error)}`, error);
  }
  if (ids.every(isTokenId)) return ids;
  throw damaged('tokenizer.json has no id for a part of this prompt, nor for unknown parts.');
}

/** Opens the tokenizer and tries it, since the library finds some damage only in use, or never. */
function open(json: Record<string, unknown>, config: Record<string, unknown>): Encoder {
  if (!hasVocabulary(json['model'])) throw damaged('tokenizer.json has no vocabulary.');
  // The decoder turns ids into text, which is never asked for.
  const { normalizer, pre_tokenizer: preTokenizer, post_processor: postProcessor } = json;
  const fault = faultOfPatterns(normalizer, preTokenizer, postProcessor);
  if (fault !== undefined) throw damaged(`tokenizer.json ${fault}.`);
  try {
    const tokenizer = new Tokenizer(json, { ...config, eos_token: tokenText(config['eos_token']) });
    completeLikeRust(tokenizer, json['model']);
    const encode = (text: string, addSpecialTokens: boolean): number[] =>
      tokenizer.encode(text, { add_special_tokens: addSpecialTokens }).ids;
    const probe = encode('a b', false);
    const ending = encode('', true);
    const whole = encode('a b', true);
    if (probe.length === 0 || ![...probe, ...ending].every(isTokenId)) {
      throw damaged('tokenizer.json has no ids for plain letters.');
    }
    if (ending.length === 0 || whole.join() !== [...probe, ...ending].join()) {
      throw damaged('tokenizer.json does not put an end token after the prompt, and nothing else.');
    }
    return { encode, ending };
  } catch (error) {
    if (error instanceof Error && error.name === 'ZoetropeError') throw error;
    throw damaged(`tokenizer.json cannot be read: ${reasonOf(error)}`, error);
  }
}

/** Gives the library's tokenizer what it leaves out of Unigram models. */
function completeLikeRust(tokenizer: Tokenizer, model: unknown): void {
  tokenizer.normalizer = boundNormalizer(withCharactersMap(tokenizer.normalizer));
  const isUnigram = isRecord(model) && model['type'] === 'Unigram';
  if (isUnigram && model['byte_fallback'] === true && tokenizer.model) {
    fallBackToBytes(tokenizer.model);
  }
}

function withCharactersMap(normalizer: Normalizer | null): Normalizer | null {
  if (normalizer instanceof SequenceNormalizer) {
    normalizer.normalizers = normalizer.normalizers.map(withCharactersMap);
  }
  if (!(normalizer instanceof PrecompiledNormalizer)) return normalizer;
  const encoded: unknown = normalizer.charsmap;
  return typeof encoded === 'string' && encoded !== '' ? new CharactersMap(encoded) : normalizer;
}

/** A Unigram vocabulary lists pieces with their scores, the others map pieces to ids. */
function hasVocabulary(model: unknown): boolean {
  const vocabulary = isRecord(model) ? model['vocab'] : undefined;
  if (!Array.isArray(vocabulary)) return isRecord(vocabulary);
  return vocabulary.every(
    (entry) => Array.isArray(entry) && typeof entry[0] === 'string' && typeof entry[1] === 'number',
  );
}

/** Absent or absurdly large (transformers writes 1e30 for "no limit") means no limit. */
function modelMaxLength(config: Record<string, unknown>): number {
  const value = config['model_max_length'] ?? Infinity;
  if (typeof value === 'number' && value >= 1) return Math.trunc(value);
  throw damaged('tokenizer_config.json: model_max_length is not a number above 0.');
}

/** A special token is written as its text, or as an object that describes it. */
function tokenText(token: unknown): unknown {
  return isRecord(token) ? token['content'] : token;
}

function isTokenId(id: unknown): boolean {
  return Number.isSafeInteger(id) && Number(id) >= 0;
}

/** What is wrong, as far as the library says it in words that mean something outside of it. */
function reasonOf(error: unknown): string {
  if (error instanceof SyntaxError) return 'a pattern of it is not a valid regular expression';
  if (error instanceof NormalizationError) return error.message;
  const unknown = /^Unknown (\w+) type: "?(\w+)/.exec(error instanceof Error ? error.message : '');
  const [, part = '', kind = ''] = unknown ?? [];
  return unknown && kind !== 'undefined' && kind !== 'object'
    ? `${kind} is not a kind of ${part} that is supported`
    : 'a part of it is missing or not of a known form';
}

function damaged(message: string, cause?: unknown): ReturnType<typeof modelFormat> {
  return modelFormat(
    message,
    'The tokenizer is damaged or of another kind: download it again.',
    cause,
  );
}
