import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe } from 'vitest';
import { openFolderStore } from '../store/folder-backend.ts';
import { describeStorage } from '../testing/storage-suite.ts';

const folders: string[] = [];

afterAll(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true }))));

describe('a checkpoint kept in a folder', () => {
  describeStorage(async (options) => {
    const folder = await mkdtemp(join(tmpdir(), 'zoetrope-store-'));
    folders.push(folder);
    return openFolderStore(folder, options);
  });
});
