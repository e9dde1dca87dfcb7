/** @file Bytes that other software changed, in text that is to be read as UTF-8. */
import { LOST_BYTE } from './charmaps.ts';
import { sequenceLength } from './utf8-variants.ts';

const SPACE = 0x20;
const NO_BREAK_SPACE = 0xa0;
/** UTF-8 for `\ufffd`. */
const REPLACEMENT = [0xef, 0xbf, 0xbd];
const A_TILDE = 0xc3;

/**
 * Restores 0xA0, a space in Latin-1 that other software turned into a plain one, where a character of UTF-8 misses it.
 *
 * `Ã` and a space may be the letter à: where a word follows, the space was both, and one is put after the letter.
 */
export function restoreSpaces(bytes: Uint8Array): Uint8Array {
  const result: number[] = [];
  for (let i = 0; i < bytes.length;) {
    const lead = bytes[i] ?? 0;
    const restored = restoredSequence(bytes, i);
    if (!restored) {
      result.push(lead);
      i++;
      continue;
    }
    result.push(...restored);
    i += restored.length;
    if (lead === A_TILDE && !isEndOfPortuguese(bytes, i)) result.push(SPACE);
  }
  return Uint8Array.from(result);
}

/** First bytes of sequences with 0xA0 that are met: the no-break space, à, Š, Р, ٠, punctuation, kana and emoji. */
const LEADS: ReadonlySet<number> = new Set([0xc2, A_TILDE, 0xc5, 0xd0, 0xd9, 0xe2, 0xe3, 0xf0]);

function restoredSequence(bytes: Uint8Array, start: number): number[] | undefined {
  const lead = bytes[start] ?? 0;
  const length = sequenceLength(lead);
  if (length < 2 || !LEADS.has(lead)) return undefined;
  const sequence = [lead];
  let spaces = 0;
  for (let i = 1; i < length; i++) {
    const byte = bytes[start + i] ?? 0;
    if (byte === SPACE) spaces++;
    else if ((byte & 0xc0) !== 0x80) return undefined;
    sequence.push(byte === SPACE ? NO_BREAK_SPACE : byte);
  }
  return spaces === 1 ? sequence : undefined;
}

const PORTUGUESE = /^(?:s\b|quel[ae]s?\b|quilo\b)/;

function isEndOfPortuguese(bytes: Uint8Array, start: number): boolean {
  if (bytes[start] === SPACE) return true;
  return PORTUGUESE.test(String.fromCharCode(...bytes.subarray(start, start + 8)));
}

/** Replaces each sequence that lost some of its bytes by `\ufffd`, and each other byte that was lost. */
export function replaceLostBytes(bytes: Uint8Array): Uint8Array {
  const result: number[] = [];
  for (let i = 0; i < bytes.length;) {
    const lost = bytes[i] === LOST_BYTE ? 1 : lostSequence(bytes, i);
    if (lost > 0) result.push(...REPLACEMENT);
    else result.push(bytes[i] ?? 0);
    i += Math.max(lost, 1);
  }
  return Uint8Array.from(result);
}

const QUESTION_MARK = 0x3f;

/** The length of a sequence of which a byte was lost, or 0. */
function lostSequence(bytes: Uint8Array, start: number): number {
  const length = sequenceLength(bytes[start] ?? 0);
  if (length < 2) return 0;
  let lost = 0;
  for (let i = 1; i < length; i++) {
    const byte = bytes[start + i] ?? 0;
    if (byte === LOST_BYTE || byte === QUESTION_MARK) lost++;
    else if ((byte & 0xc0) !== 0x80) return 0;
  }
  return lost > 0 ? length : 0;
}
