/** @file Chunks are named by the SHA-256 of their bytes. */
import { ZoetropeError } from '../errors.ts';

/**
 * SHA-256 of `bytes` in lower-case hex.
 * @throws ZoetropeError `feature-missing` outside secure contexts, where browsers hide Web Crypto.
 */
export async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const subtle: SubtleCrypto | undefined = globalThis.crypto?.subtle;
  if (subtle === undefined) {
    throw new ZoetropeError(
      'feature-missing',
      'Web Crypto is not available here, so stored weights cannot be checked.',
      'Open the page over https or on localhost.',
    );
  }
  const digest = new Uint8Array(await subtle.digest('SHA-256', bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
