/** @file A lock between processes: a file that holds its owner's process id. A dead owner's lock is taken over. */
import { link, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

const POLL_MS = 50;

/** Runs `task` while this process holds the lock. @throws AbortError if `signal` aborts while waiting. */
export async function withLockFile<T>(
  path: string,
  task: () => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  const own = `${path}.${process.pid}-${crypto.randomUUID()}.tmp`;
  await writeFile(own, String(process.pid));
  try {
    while (!(await tryLink(own, path))) {
      signal?.throwIfAborted();
      if (!(await takeOver(path))) await sleep(POLL_MS);
    }
    try {
      return await task();
    } finally {
      await rm(path, { force: true });
    }
  } finally {
    await rm(own, { force: true });
  }
}

/** A link appears at once with its contents, so that nobody sees a lock without an owner. */
async function tryLink(own: string, path: string): Promise<boolean> {
  try {
    await link(own, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** Removes the lock if its owner is dead. @returns Whether to try again at once. */
async function takeOver(path: string): Promise<boolean> {
  const owner = await readFile(path, 'utf8').catch(() => undefined);
  if (owner === undefined) return true;
  if (isAlive(Number(owner))) return false;
  // Moved rather than removed: of several who saw the dead owner, one gets the file. Should it be a new owner's by
  // then, it goes back.
  const aside = `${path}.${crypto.randomUUID()}.tmp`;
  try {
    await rename(path, aside);
  } catch {
    return true;
  }
  if ((await readFile(aside, 'utf8')) !== owner) await tryLink(aside, path);
  await rm(aside, { force: true });
  return true;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it lives, as another user.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
