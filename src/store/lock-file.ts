/** @file A lock between processes: a file that holds its owner's process id. A dead owner's lock is taken over. */
import { link, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const POLL_MS = 50;

/** Runs `task` while this process holds the lock. @throws AbortError if `signal` aborts while waiting. */
export async function withLockFile<T>(
  path: string,
  task: () => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  const own = `${path}.${process.pid}-${crypto.randomUUID()}.tmp`;
  // The folder may have been cleared since the store was opened.
  await mkdir(dirname(path), { recursive: true });
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

/** Removes what processes that died while they waited for a lock have left. */
export async function sweepLockFiles(folder: string): Promise<void> {
  for (const file of await readdir(folder)) {
    const [, pid] = /\.(\d+)-[0-9a-f-]{36}\.tmp$/.exec(file) ?? [];
    if (pid !== undefined && !isAlive(Number(pid))) await rm(join(folder, file), { force: true });
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
  const owner = await ownerOf(path);
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
  if ((await ownerOf(aside)) !== owner) await tryLink(aside, path);
  await rm(aside, { force: true, recursive: true });
  return true;
}

/** What the lock says; undefined if it is gone, and empty if it is not a file. */
async function ownerOf(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return undefined;
    if (code === 'EISDIR') return '';
    throw error;
  }
}

function isAlive(pid: number): boolean {
  // 0 and negative numbers mean groups of processes, which always live: such a lock's file is damaged.
  if (!Number.isSafeInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it lives, as another user.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
