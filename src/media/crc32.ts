/** @file The checksum of PNG chunks. */

/** CRC-32 of ISO 3309 (polynomial 0xEDB88320, reflected), as in PNG, gzip and zip; unsigned. */
export function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return (crc ^ 0xffffffff) >>> 0;
}
