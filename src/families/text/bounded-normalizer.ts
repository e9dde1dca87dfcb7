/**
 * @file Keeps normalized text within bounds: a `tokenizer.json` may replace one letter by a thousand, and again by a thousand
 * in the next step.
 */
import { Normalizer, SequenceNormalizer } from '@huggingface/tokenizers';

/** Characters. What a model reads of a prompt, some 512 tokens, is a hundredth of it. */
export const LONGEST_PROMPT = 100_000;

/** Characters. Unicode's own normal forms make at most 18 of one. */
export const LONGEST_NORMALIZED = 32 * LONGEST_PROMPT;

/** What a `tokenizer.json` makes of a text is not to be had. */
export class NormalizationError extends Error {}

/** A sequence's steps are bounded one by one. */
export function boundNormalizer(normalizer: Normalizer | null): Normalizer | null {
  if (normalizer === null || normalizer instanceof BoundedNormalizer) return normalizer;
  if (normalizer instanceof SequenceNormalizer) {
    normalizer.normalizers = normalizer.normalizers.map(boundNormalizer);
    return normalizer;
  }
  return new BoundedNormalizer(normalizer);
}

class BoundedNormalizer extends Normalizer {
  readonly #inner: Normalizer;

  constructor(inner: Normalizer) {
    super(inner.config);
    this.#inner = inner;
  }

  override normalize(text: string): string {
    let normalized: string | undefined;
    try {
      normalized = this.#inner.normalize(text);
    } catch (error) {
      // No string is as long.
      if (!(error instanceof RangeError)) throw error;
    }
    if (normalized !== undefined && normalized.length <= LONGEST_NORMALIZED) return normalized;
    throw new NormalizationError(
      `a normalizer makes more than ${LONGEST_NORMALIZED} characters of ${text.length}`,
    );
  }
}
