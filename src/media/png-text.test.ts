import { crc32 as zlibCrc32 } from 'node:zlib';
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { crc32 } from './crc32.ts';
import { withPngText } from './png-text.ts';

/** A transparent pixel. */
const PNG = Uint8Array.from(
  atob(
    'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  ),
  (character) => character.charCodeAt(0),
);

function readChunks(png: Uint8Array): { type: string; data: Uint8Array; checked: boolean }[] {
  const view = new DataView(png.buffer, png.byteOffset);
  const chunks = [];
  for (let at = 8; at < png.length;) {
    const end = at + 8 + view.getUint32(at);
    chunks.push({
      type: new TextDecoder().decode(png.subarray(at + 4, at + 8)),
      data: png.subarray(at + 8, end),
      checked: view.getUint32(end) === crc32(png.subarray(at + 4, end)),
    });
    at = end + 4;
  }
  return chunks;
}

it('adds chunks of text behind the header and leaves the rest', () => {
  const png = withPngText(PNG, { Title: 'a red círcle 🔴', Comment: 'zero\0less' });
  const chunks = readChunks(png);
  expect(chunks.map(({ type }) => type)).toEqual(['IHDR', 'iTXt', 'iTXt', 'IDAT', 'IEND']);
  expect(chunks.every(({ checked }) => checked)).toBe(true);
  const texts = chunks.slice(1, 3).map(({ data }) => new TextDecoder().decode(data));
  expect(texts).toEqual(['Title\0\0\0\0\0a red círcle 🔴', 'Comment\0\0\0\0\0zeroless']);
  const others = chunks.filter(({ type }) => type !== 'iTXt');
  expect(others).toEqual(readChunks(PNG));
});

it('has the checksum of the chunks in a PNG of others', () => {
  expect(readChunks(PNG).every(({ checked }) => checked)).toBe(true);
});

it('has the checksum of zlib', () => {
  // Node 20.15 and later.
  if (typeof zlibCrc32 !== 'function') return;
  const property = fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
    expect(crc32(bytes)).toBe(zlibCrc32(bytes));
  });
  fc.assert(property, { numRuns: 100, seed: 1 });
});
