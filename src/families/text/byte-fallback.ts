/**
 * @file What a Unigram model with `byte_fallback` has no piece for becomes its UTF-8, a piece a byte (`<0xE2>`). The
 * library does so for other models only.
 */
import type { Model } from '@huggingface/tokenizers';

/** Makes `model` fall back to bytes. Unless it has all pieces that a text needs, that text stays unknown as a whole. */
export function fallBackToBytes(model: Model): void {
  const encode = model.encode.bind(model);
  const encoder = new TextEncoder();
  model.encode = (words) =>
    encode(words).flatMap((piece) => {
      if (model.tokens_to_ids.has(piece)) return piece;
      const bytes = Array.from(encoder.encode(piece), nameOf);
      return bytes.every((byte) => model.tokens_to_ids.has(byte)) ? bytes : piece;
    });
}

function nameOf(byte: number): string {
  return `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`;
}
