/** @file GIF's comment extension. Format: GIF89a specification, section 24. */

const EXTENSION = 0x21;
const COMMENT_LABEL = 0xfe;
/** Data comes in blocks with their length in one byte. */
const LARGEST_BLOCK = 255;
/** The header and the logical screen descriptor, whose last but two byte describes the colour table that follows. */
const HEADER_BYTES = 13;
const FLAGS_AT = 10;

/**
 * @param gif A whole GIF file.
 * @param json The comment. Its characters beyond ASCII, which GIF wants comments to keep to, are written as JSON escapes.
 * @returns The file with the comment in front of its pictures.
 */
export function withGifComment(
  gif: Uint8Array<ArrayBuffer>,
  json: string,
): Uint8Array<ArrayBuffer> {
  const flags = gif[FLAGS_AT] ?? 0;
  const colorTableBytes = flags & 0x80 ? 3 * 2 ** ((flags & 0x07) + 1) : 0;
  const at = HEADER_BYTES + colorTableBytes;
  const comment = commentExtension(escapeToAscii(json));
  const result = new Uint8Array(gif.length + comment.length);
  result.set(gif.subarray(0, at));
  result.set(comment, at);
  result.set(gif.subarray(at), at + comment.length);
  return result;
}

function commentExtension(text: string): Uint8Array {
  const bytes = new TextEncoder().encode(text);
  const extension = [EXTENSION, COMMENT_LABEL];
  for (let start = 0; start < bytes.length; start += LARGEST_BLOCK) {
    const block = bytes.subarray(start, start + LARGEST_BLOCK);
    extension.push(block.length, ...block);
  }
  return Uint8Array.from([...extension, 0]);
}

function escapeToAscii(json: string): string {
  return json.replace(
    /[\u007f-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
