/** @file Waiting for a callback of the caller, who may cancel while it runs, or from within it. */

/**
 * What `waited` gives, unless the signal aborts before.
 * @throws The signal's reason.
 */
export async function orAborted<T>(
  waited: T | PromiseLike<T>,
  signal: AbortSignal | undefined,
): Promise<T> {
  if (!signal) return waited;
  signal.throwIfAborted();
  const done = new AbortController();
  const aborted = new Promise<never>((_, reject) => {
    const abort = (): void => reject(signal.reason as Error);
    signal.addEventListener('abort', abort, { signal: done.signal });
  });
  try {
    return await Promise.race([waited, aborted]);
  } finally {
    done.abort();
  }
}
