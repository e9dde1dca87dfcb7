/** @file UTF-8 as it is met: strictly checked, but for the surrogate pairs and the long NUL of CESU-8 and Java. */

/** The text, or undefined where the bytes are not UTF-8. */
export function decodeUtf8(bytes: Uint8Array): string | undefined {
  const parts: string[] = [];
  let codes: number[] = [];
  for (let i = 0; i < bytes.length;) {
    const length = sequenceLength(bytes[i] ?? 0);
    const code = length === 0 ? undefined : decodeSequence(bytes, i, length);
    if (code === undefined) return undefined;
    codes.push(code);
    i += length;
    if (codes.length === 4096) {
      parts.push(String.fromCodePoint(...codes));
      codes = [];
    }
  }
  parts.push(String.fromCodePoint(...codes));
  const text = parts.join('');
  // Halves of a pair that came one by one are a character now; one alone is not UTF-8.
  return /\p{Surrogate}/u.test(text) ? undefined : text;
}

/** How many bytes a sequence has, from its first byte; 0 for bytes that begin none. */
export function sequenceLength(lead: number): number {
  if (lead < 0x80) return 1;
  if (lead >= 0xc2 && lead <= 0xdf) return 2;
  if (lead >= 0xe0 && lead <= 0xef) return 3;
  if (lead >= 0xf0 && lead <= 0xf4) return 4;
  // Java's NUL.
  return lead === 0xc0 ? 2 : 0;
}

const LEAST = [0, 0, 0x80, 0x800, 0x10000];

function decodeSequence(bytes: Uint8Array, start: number, length: number): number | undefined {
  const lead = bytes[start] ?? 0;
  if (length === 1) return lead;
  let code = lead & (0x7f >> length);
  for (let i = 1; i < length; i++) {
    const byte = bytes[start + i] ?? 0;
    if ((byte & 0xc0) !== 0x80) return undefined;
    code = (code << 6) | (byte & 0x3f);
  }
  if (lead === 0xc0) return code === 0 ? 0 : undefined;
  return code < (LEAST[length] ?? 0) || code > 0x10ffff ? undefined : code;
}
