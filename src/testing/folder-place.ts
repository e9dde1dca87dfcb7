/** @file A fresh folder to store checkpoints in. */
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openFolderStore } from '../store/folder-backend.ts';
import type { Place } from '../store/test-suite.ts';

export async function freshFolder(): Promise<Place> {
  const folder = await mkdtemp(join(tmpdir(), 'zoetrope-store-'));
  return {
    open: (options) => openFolderStore(folder, options),
    overwrite: (hash, bytes) => writeFile(join(folder, 'chunks', hash), bytes),
    async overwriteRecord(id, change) {
      const path = join(folder, 'checkpoints', `${encodeURIComponent(id)}.json`);
      const record: unknown = JSON.parse(await readFile(path, 'utf8'));
      await writeFile(path, JSON.stringify(change(record as Record<string, unknown>)));
    },
    clear: () => rm(folder, { recursive: true }),
    async overwriteValues(bytes) {
      for (const file of await readdir(join(folder, 'values'))) {
        await writeFile(join(folder, 'values', file), bytes);
      }
    },
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

/** A fresh folder, removed when it goes out of scope. */
export async function freshFolderPath(): Promise<AsyncDisposable & { readonly folder: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'zoetrope-store-'));
  return { folder, [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) };
}
