/** @file PNG's chunks of text. Format: PNG specification (third edition), sections 5.3 and 11.3.3.4. */
import { crc32 } from './crc32.ts';

/** The signature and the header chunk, which has to be the first. */
const HEADER_BYTES = 8 + 25;

/**
 * @param png A whole PNG file.
 * @param text Texts by keyword. Keywords are 1 to 79 Latin-1 characters; the specification has a list of common ones.
 * @returns The file with one `iTXt` chunk (uncompressed UTF-8) a text behind its header.
 */
export function withPngText(
  png: Uint8Array<ArrayBuffer>,
  text: Readonly<Record<string, string>>,
): Uint8Array<ArrayBuffer> {
  const chunks = Object.entries(text).map(([keyword, value]) => textChunk(keyword, value));
  const added = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  const result = new Uint8Array(png.length + added);
  result.set(png.subarray(0, HEADER_BYTES));
  let at = HEADER_BYTES;
  for (const chunk of chunks) {
    result.set(chunk, at);
    at += chunk.length;
  }
  result.set(png.subarray(HEADER_BYTES), at);
  return result;
}

/** Length, type, data and checksum of an `iTXt` chunk without language and translated keyword. */
function textChunk(keyword: string, value: string): Uint8Array {
  // Zero bytes end the keyword, say "not compressed" (twice), and end language and translation; texts have none.
  const data = new TextEncoder().encode(`${keyword}\0\0\0\0\0${value.replaceAll('\0', '')}`);
  const chunk = new Uint8Array(12 + data.length);
  const view = new DataView(chunk.buffer);
  view.setUint32(0, data.length);
  chunk.set(new TextEncoder().encode('iTXt'), 4);
  chunk.set(data, 8);
  view.setUint32(8 + data.length, crc32(chunk.subarray(4, 8 + data.length)));
  return chunk;
}
