/**
 * @file A synchronous 128-bit digest of graph bytes. It keys a cache inside one process,
 * where a collision would be an accident, not an attack; files are verified with SHA-256 instead.
 */
export function digest(bytes: Uint8Array): string {
  let a = 0x811c9dc5;
  let b = 0x9e3779b9;
  let c = 0x85ebca6b;
  let d = 0xc2b2ae35;
  for (const byte of bytes) {
    a = Math.imul(a ^ byte, 0x01000193);
    b = Math.imul(b ^ byte, 0x85ebca77) + a;
    c = Math.imul(c + byte, 0x27d4eb2f) ^ (b >>> 15);
    d = Math.imul(d ^ (c >>> 7), 0x165667b1) + byte;
  }
  return [a, b, c, d].map((lane) => (lane >>> 0).toString(16).padStart(8, '0')).join('');
}
