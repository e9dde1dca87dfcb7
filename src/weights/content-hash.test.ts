/** @file What becomes of hashes of large files whose worker does not do its part. */
import { afterEach, expect, test, vi } from 'vitest';
import { sha256 } from '../store/sha256.ts';
import { contentHash } from './content-hash.ts';
import { LocalHash } from './local-hash.ts';
import { RemoteHash } from './remote-hash.ts';

const SIZE = 40 * 1024 * 1024;
const SOME = `sha256:${'0'.repeat(64)}`;

afterEach(() => vi.unstubAllGlobals());

test('a large file is hashed on the spot where no worker may start', async () => {
  vi.stubGlobal('Worker', function refused() {
    throw new DOMException('The operation is insecure.', 'SecurityError');
  });
  const hash = await contentHash(SOME, SIZE);
  expect(hash).toBeInstanceOf(LocalHash);
  await hash?.update(Uint8Array.of(1));
  expect(await hash?.mark()).toBe(`sha256:${await sha256(Uint8Array.of(1))}`);
});

test('a piece that waits for its turn settles when its hash is given up', async () => {
  vi.stubGlobal('Worker', function silent() {
    return { addEventListener: vi.fn(), postMessage: vi.fn(), terminate: vi.fn() };
  });
  const hash = await contentHash(SOME, SIZE);
  expect(hash).toBeInstanceOf(RemoteHash);
  const pieces = [1, 2, 3, 4].map(async (size) => hash?.update(new Uint8Array(size)));
  hash?.close();
  await Promise.all(pieces);
});
