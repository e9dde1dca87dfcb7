/**
 * @file SentencePiece's map of characters (`precompiled_charsmap`), applied as the Rust tokenizers apply it. The
 * JavaScript library has rules of its own in its place, which part from it in joined emoji and some rarer characters.
 *
 * The map is a trie as a double array (Darts-clone), from the UTF-8 of what is replaced to where its replacement starts in a
 * pool of strings that end in 0.
 */
import { Normalizer } from '@huggingface/tokenizers';
import { LONGEST_NORMALIZED, NormalizationError } from './bounded-normalizer.ts';

/** Longer graphemes are looked up character by character only. */
const LONGEST_GRAPHEME_BYTES = 5;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export class CharactersMap extends Normalizer {
  readonly #trie: Uint32Array;
  readonly #strings: Uint8Array;
  readonly #graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' });

  /** @param encoded The map in base64. Throws if it is shorter than it says. */
  constructor(encoded: string) {
    super({ type: 'Precompiled', precompiled_charsmap: encoded });
    const bytes = Uint8Array.from(atob(encoded), (character) => character.charCodeAt(0));
    const view = new DataView(bytes.buffer);
    const trieBytes = view.getUint32(0, true);
    // Before room is made for as much as it claims.
    if (trieBytes % 4 !== 0 || 4 + trieBytes > bytes.length) {
      throw new NormalizationError(
        `the map of characters claims ${trieBytes} of ${bytes.length} bytes`,
      );
    }
    this.#trie = Uint32Array.from({ length: trieBytes / 4 }, (_, i) =>
      view.getUint32(4 + 4 * i, true),
    );
    this.#strings = bytes.subarray(4 + trieBytes);
  }

  override normalize(text: string): string {
    let result = '';
    for (const { segment } of this.#graphemes.segment(text)) {
      const whole =
        encoder.encode(segment).length <= LONGEST_GRAPHEME_BYTES
          ? this.#replacement(segment)
          : undefined;
      if (whole !== undefined) result += whole;
      else for (const character of segment) result += this.#replacement(character) ?? character;
      if (result.length > LONGEST_NORMALIZED)
        throw new NormalizationError('the map of characters makes too long a text');
    }
    return result;
  }

  /** Of the shortest beginning of `text` that has one: the Rust tokenizers take the first that they meet. */
  #replacement(text: string): string | undefined {
    const trie = this.#trie;
    let position = offset(trie[0] ?? 0);
    for (const byte of encoder.encode(text)) {
      if (byte === 0) return undefined;
      position ^= byte;
      const unit = trie[position] ?? 0;
      if (label(unit) !== byte) return undefined;
      position ^= offset(unit);
      if (hasValue(unit)) return this.#string((trie[position] ?? 0) & 0x7fffffff);
    }
    return undefined;
  }

  #string(start: number): string {
    const end = this.#strings.indexOf(0, start);
    return decoder.decode(this.#strings.subarray(start, end < 0 ? undefined : end));
  }
}

function hasValue(unit: number): boolean {
  return ((unit >>> 8) & 1) === 1;
}

/** A unit that holds a value has its highest bit set, and so is no byte. */
function label(unit: number): number {
  return (unit & 0x800000ff) >>> 0;
}

function offset(unit: number): number {
  return ((unit >>> 10) << ((unit & 0x200) >>> 6)) >>> 0;
}
