/** @file Named locks: across tabs where the browser has Web Locks, within the process elsewhere. */
import { Limiter } from './limiter.ts';

const local = new Map<string, Limiter>();

/** One task at a time for each name, within this process. @throws AbortError if `signal` aborts before its turn. */
export function withLocalLock<T>(
  name: string,
  task: () => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  const lock = local.get(name) ?? new Limiter(1);
  local.set(name, lock);
  return lock.run(async () => {
    signal?.throwIfAborted();
    return task();
  });
}

/** One task at a time for each name, in all tabs of the origin. @throws AbortError if `signal` aborts before its turn. */
export async function withSharedLock<T>(
  name: string,
  task: () => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  const locks: LockManager | undefined = globalThis.navigator?.locks;
  if (locks === undefined) return withLocalLock(name, task, signal);
  return locks.request(name, signal ? { signal } : {}, task);
}
