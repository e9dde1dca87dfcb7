/** @file The store on a folder, and what only processes can do to each other. */
import { spawnSync } from 'node:child_process';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { freshFolder } from '../testing/folder-place.ts';
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

test('waiting for a lock can be cancelled', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'zoetrope-lock-'));
  const path = join(folder, 'lock');
  await writeFile(path, String(process.pid));
  const waiting = withLockFile(path, async () => 7, AbortSignal.timeout(120));
  await expect(waiting).rejects.toMatchObject({ name: 'TimeoutError' });
  await rm(folder, { recursive: true });
});
