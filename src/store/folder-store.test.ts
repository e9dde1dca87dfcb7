/** @file The store on a folder, and what only processes can do to each other. */
import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { freshFolder } from '../testing/folder-place.ts';
import type { CheckpointStore } from './checkpoint-store.ts';
import { openFolderStore } from './folder-backend.ts';
import { withLockFile } from './lock-file.ts';
import { storeSuite } from './test-suite.ts';

storeSuite('folder store', freshFolder, 12);

test('a lock whose owner died is taken over', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'zoetrope-lock-'));
  const { pid } = spawnSync(process.execPath, ['-e', '']);
  const path = join(folder, 'lock');
  await writeFile(path, String(pid));
  expect(await withLockFile(path, async () => 7)).toBe(7);
  expect(await readdir(folder)).toEqual([]);
  await rm(folder, { recursive: true });
});

test.each(['', 'abc', '0', '-1', '1e99'])(
  'a lock that says "%s" belongs to no one',
  async (owner) => {
    const folder = await mkdtemp(join(tmpdir(), 'zoetrope-lock-'));
    const path = join(folder, 'lock');
    await writeFile(path, owner);
    expect(await withLockFile(path, async () => 7, AbortSignal.timeout(2000))).toBe(7);
    expect(await readdir(folder)).toEqual([]);
    await rm(folder, { recursive: true });
  },
);

test('a lock that is a folder is taken over', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'zoetrope-lock-'));
  const path = join(folder, 'lock');
  await mkdir(path);
  expect(await withLockFile(path, async () => 7, AbortSignal.timeout(2000))).toBe(7);
  await rm(folder, { recursive: true });
});

describe('what else may lie in the folder of a store', () => {
  let folder = '';
  let store: CheckpointStore;
  const inFolder = (...path: string[]): string => join(folder, ...path);
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'zoetrope-store-'));
    store = await openFolderStore(folder);
  });
  afterEach(() => rm(folder, { recursive: true }));

  test('files that killed writes left are swept', async () => {
    const { pid } = spawnSync(process.execPath, ['-e', '']);
    const uuid = crypto.randomUUID();
    const left = [
      inFolder('chunks', `${'a'.repeat(64)}.${uuid}.tmp`),
      inFolder('checkpoints', `x.json.${uuid}.tmp`),
      inFolder('locks', `0.${pid}-${uuid}.tmp`),
    ];
    for (const path of left) await writeFile(path, 'half');
    expect(await store.listRecords()).toEqual([]);
    expect(await store.collectGarbage()).toBe(0);
    for (const name of ['chunks', 'checkpoints', 'locks']) {
      expect(await readdir(inFolder(name))).toEqual([]);
    }
  });

  test('an empty record, or a folder in its place, is damaged and can be deleted', async () => {
    await writeFile(inFolder('checkpoints', 'empty.json'), '');
    await mkdir(inFolder('checkpoints', 'folder.json'));
    await writeFile(inFolder('checkpoints', 'notes.txt'), 'of the user');
    await writeFile(inFolder('checkpoints', '%E0%A4%A.json'), 'of another program');
    const chunk = await store.put(Uint8Array.of(1));
    expect(await store.listRecords()).toMatchObject([
      { id: 'empty', state: 'damaged' },
      { id: 'folder', state: 'damaged' },
    ]);
    // The chunk may belong to either, until both are gone.
    expect(await store.collectGarbage()).toBe(0);
    for (const id of ['empty', 'folder']) await store.deleteCheckpoint(id);
    expect(await store.listRecords()).toEqual([]);
    expect(await store.has(chunk)).toBe(false);
    expect(await readdir(inFolder('checkpoints'))).toHaveLength(2);
  });

  test('a file where a folder should be is reported with its path', async () => {
    await rm(inFolder('chunks'), { recursive: true });
    await writeFile(inFolder('chunks'), '');
    const failure: unknown = await store.put(Uint8Array.of(1)).catch((error: unknown) => error);
    expect(failure).toMatchObject({ name: 'ZoetropeError', code: 'storage-unavailable' });
    expect((failure as Error).message).toContain(folder);
    await expect(openFolderStore(folder)).rejects.toMatchObject({ code: 'storage-unavailable' });
  });

  test('failures of a task under a lock are its own', async () => {
    const failing = store.withImportLock('x', () => readdir(inFolder('no', 'such')));
    await expect(failing).rejects.toMatchObject({ code: 'ENOENT' });
  });
});

test('waiting for a lock can be cancelled', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'zoetrope-lock-'));
  const path = join(folder, 'lock');
  await writeFile(path, String(process.pid));
  const waiting = withLockFile(path, async () => 7, AbortSignal.timeout(120));
  await expect(waiting).rejects.toMatchObject({ name: 'TimeoutError' });
  await rm(folder, { recursive: true });
});
