/** @file Reads GIF comments in tests: modern-gif's reader mixes the lengths of the blocks into the text. */

/** @returns The first comment extension's text; it has to come before the pictures. */
export function readGifComment(gif: Uint8Array): string | undefined {
  const flags = gif[10] ?? 0;
  let at = 13 + (flags & 0x80 ? 3 * 2 ** ((flags & 7) + 1) : 0);
  while (gif[at] === 0x21) {
    const isComment = gif[at + 1] === 0xfe;
    const bytes: number[] = [];
    for (at += 2; gif[at] !== 0; at += 1 + (gif[at] ?? 0)) {
      bytes.push(...gif.subarray(at + 1, at + 1 + (gif[at] ?? 0)));
    }
    at++;
    if (isComment) return new TextDecoder().decode(Uint8Array.from(bytes));
  }
  return undefined;
}
