/**
 * @file Checkpoints in a folder on disk, for Node: `chunks/<sha-256>`, `checkpoints/<encoded id>.json`, `values/<name>` of
 * the cache, last used when last modified, and locks. Files are written under a temporary name and renamed, so that what has its final name is whole. Never part of the page.
 */
import { mkdir, open, readdir, readFile, rename, rm, stat, statfs, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import type { NamedChunk, StoreBackend } from './backend.ts';
import { CheckpointStore, type CheckpointStoreOptions } from './checkpoint-store.ts';
import { recordChanged, type StorageFigures } from './failure.ts';
import { withLockFile } from './lock-file.ts';
import { withLocalLock } from './locks.ts';
import {
  type CheckpointRecord,
  decodeRecord,
  encodeRecord,
  referencedChunks,
  unsharedChunks,
} from './record.ts';
import { sha256 } from './sha256.ts';

/** The checkpoints in `folder`, which is created if it is not there. */
export async function openFolderStore(
  folder: string,
  options: CheckpointStoreOptions = {},
): Promise<CheckpointStore> {
  return new CheckpointStore(await FolderBackend.open(folder), options);
}

export class FolderBackend implements StoreBackend {
  readonly name: string;
  readonly #chunks: string;
  readonly #checkpoints: string;
  readonly #values: string;
  readonly #locks: string;

  private constructor(folder: string) {
    this.name = folder;
    this.#chunks = join(folder, 'chunks');
    this.#checkpoints = join(folder, 'checkpoints');
    this.#values = join(folder, 'values');
    this.#locks = join(folder, 'locks');
  }

  static async open(folder: string): Promise<FolderBackend> {
    const backend = new FolderBackend(folder);
    for (const path of [backend.#chunks, backend.#checkpoints, backend.#values, backend.#locks]) {
      await mkdir(path, { recursive: true });
    }
    return backend;
  }

  async hasChunk(hash: string): Promise<boolean> {
    return (await orMissing(stat(this.#chunk(hash)))) !== undefined;
  }

  writeChunk({ hash, bytes }: NamedChunk): Promise<void> {
    // Locked too: a sweep takes temporary files for what a killed write left.
    return this.#exclusively(() => writeWhole(this.#chunk(hash), bytes));
  }

  async openChunk(hash: string): Promise<Blob | undefined> {
    const bytes = await orMissing(readFile(this.#chunk(hash)));
    return bytes && new Blob([bytes]);
  }

  async readChunk(
    hash: string,
    start: number,
    end: number,
  ): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const file = await orMissing(open(this.#chunk(hash)));
    if (!file) return undefined;
    try {
      const { size } = await file.stat();
      const bytes = new Uint8Array(Math.max(0, Math.min(end, size) - start));
      let done = 0;
      // One read may give less than was asked for.
      while (done < bytes.byteLength) {
        const left = bytes.byteLength - done;
        const { bytesRead } = await file.read(bytes, done, left, start + done);
        if (bytesRead === 0) return bytes.slice(0, done);
        done += bytesRead;
      }
      return bytes;
    } finally {
      await file.close();
    }
  }

  deleteChunk(hash: string): Promise<void> {
    return rm(this.#chunk(hash), { force: true });
  }

  async record(id: string): Promise<CheckpointRecord | undefined> {
    return readRecord(this.#record(id));
  }

  async records(): Promise<CheckpointRecord[]> {
    const files = (await readdir(this.#checkpoints)).filter((file) => file.endsWith('.json'));
    const records = await Promise.all(
      files.map((file) => readRecord(join(this.#checkpoints, file))),
    );
    return records.filter((record) => record !== undefined);
  }

  commit(record: CheckpointRecord, chunk?: NamedChunk): Promise<void> {
    return this.#exclusively(async () => {
      const present = await this.record(record.id);
      if ((present?.version ?? 0) !== record.version - 1) throw recordChanged(record.id);
      if (chunk && !(await this.hasChunk(chunk.hash))) {
        await writeWhole(this.#chunk(chunk.hash), chunk.bytes);
      }
      await this.#writeRecord(record);
    });
  }

  touch(id: string, lastUsedAt: number): Promise<CheckpointRecord | undefined> {
    return this.#exclusively(async () => {
      const record = await this.record(id);
      if (!record) return undefined;
      const used = { ...record, lastUsedAt };
      await this.#writeRecord(used);
      return used;
    });
  }

  drop(id: string): Promise<void> {
    return this.#exclusively(async () => {
      const record = await this.record(id);
      if (!record) return;
      // The record first: chunks without a record are swept later, a record without chunks would be broken.
      await rm(this.#record(id), { force: true });
      for (const hash of unsharedChunks(record, await this.records())) await this.deleteChunk(hash);
    });
  }

  sweep(): Promise<number> {
    return this.#exclusively(async () => {
      const used = referencedChunks(await this.records());
      let removed = 0;
      for (const file of await readdir(this.#chunks)) {
        if (used.has(file)) continue;
        await rm(join(this.#chunks, file), { force: true });
        if (!file.endsWith('.tmp')) removed++;
      }
      return removed;
    });
  }

  readValue(name: string, usedAt: number): Promise<Uint8Array<ArrayBuffer> | undefined> {
    return this.#exclusively(async () => {
      const path = join(this.#values, name);
      const bytes = await orMissing(readFile(path));
      if (!bytes) return undefined;
      await utimes(path, usedAt / 1000, usedAt / 1000);
      return Uint8Array.from(bytes);
    });
  }

  writeValue(
    name: string,
    bytes: Uint8Array<ArrayBuffer>,
    usedAt: number,
    capacityBytes: number,
  ): Promise<void> {
    return this.#exclusively(async () => {
      const path = join(this.#values, name);
      await writeWhole(path, bytes);
      await utimes(path, usedAt / 1000, usedAt / 1000);
      const files = await Promise.all(
        // What a killed write left is among them, and goes like the rest.
        (await readdir(this.#values)).map(async (file) => {
          const { mtimeMs, size } = await stat(join(this.#values, file));
          return { file, mtimeMs, size };
        }),
      );
      let total = 0;
      for (const { file, size } of files.toSorted((a, b) => b.mtimeMs - a.mtimeMs)) {
        total += size;
        if (total > capacityBytes) await rm(join(this.#values, file), { force: true });
      }
    });
  }

  deleteValue(name: string): Promise<void> {
    return rm(join(this.#values, name), { force: true });
  }

  async estimate(): Promise<StorageFigures | undefined> {
    const { bavail, bsize } = await statfs(this.#chunks);
    const files = await readdir(this.#chunks);
    const sizes = await Promise.all(
      files.map(async (file) => (await orMissing(stat(join(this.#chunks, file))))?.size ?? 0),
    );
    return { usedBytes: sizes.reduce((sum, size) => sum + size, 0), freeBytes: bavail * bsize };
  }

  async lock<T>(name: string, task: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    // Names may hold anything; their hashes are fit for files.
    const path = join(this.#locks, (await sha256(new TextEncoder().encode(name))).slice(0, 32));
    return withLocalLock(path, () => withLockFile(path, task, signal), signal);
  }

  close(): void {
    // Nothing is held open.
  }

  /** Chunks and records change under one lock, so that a sweep sees both or neither. */
  #exclusively<T>(task: () => Promise<T>): Promise<T> {
    return this.lock('store', task);
  }

  #chunk(hash: string): string {
    return join(this.#chunks, hash);
  }

  #record(id: string): string {
    return join(this.#checkpoints, `${encodeURIComponent(id)}.json`);
  }

  #writeRecord(record: CheckpointRecord): Promise<void> {
    return writeWhole(this.#record(record.id), new TextEncoder().encode(encodeRecord(record)));
  }
}

async function readRecord(path: string): Promise<CheckpointRecord | undefined> {
  const text = await orMissing(readFile(path, 'utf8'));
  return text === undefined ? undefined : decodeRecord(text);
}

async function writeWhole(path: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
  const temporary = `${path}.${crypto.randomUUID()}.tmp`;
  try {
    const file = await open(temporary, 'w');
    try {
      await file.writeFile(bytes);
      // Before the rename: else a power cut could leave the final name on an empty file.
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

async function orMissing<T>(result: Promise<T>): Promise<T | undefined> {
  try {
    return await result;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
