/** @file The worker behind `remote-hash.ts`: hashes of large files. */
import { LocalHash } from './local-hash.ts';

export type HashOrder =
  | { readonly id: number; readonly like: string; readonly size: number }
  | { readonly id: number; readonly bytes: Uint8Array<ArrayBuffer> }
  | { readonly id: number; readonly isEnd: true }
  | { readonly id: number; readonly isClosed: true };

/** Without `mark`: the piece was taken. */
export type HashAnswer =
  { readonly id: number } | { readonly id: number; readonly mark: string | undefined };

const hashes = new Map<number, LocalHash>();
/** Orders are carried out one after another, in the order in which they came. */
let before: Promise<void> = Promise.resolve();

async function obey(order: HashOrder): Promise<void> {
  const { id } = order;
  if ('like' in order) {
    const hash = await LocalHash.like(order.like, order.size);
    if (hash) hashes.set(id, hash);
    return;
  }
  const hash = hashes.get(id);
  if ('bytes' in order) {
    await hash?.update(order.bytes);
    answer({ id });
    return;
  }
  hashes.delete(id);
  if ('isEnd' in order) answer({ id, mark: await hash?.mark() });
}

function answer(data: HashAnswer): void {
  globalThis.postMessage(data);
}

globalThis.addEventListener('message', ({ data }: MessageEvent<HashOrder>) => {
  before = before
    .then(() => obey(data))
    .catch((error: unknown) => {
      // As an uncaught error it reaches the other side, which gives up on hashing.
      globalThis.reportError(error);
    });
});
