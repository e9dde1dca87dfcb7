/**
 * @file Checkpoints in a folder on disk, for Node: `chunks/<sha-256>`, `checkpoints/<encoded id>.json`, `values/<name>` of
 * the cache, last used when last modified, and locks. Files are written under a temporary name and renamed, so that what has its final name is whole. Never part of the page.
 */
import { mkdir, open, readdir, readFile, rename, rm, stat, statfs, utimes } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { NamedChunk, StoreBackend } from './backend.ts';
import { CheckpointStore, type CheckpointStoreOptions } from './checkpoint-store.ts';
import { isOutOfRoom, RecordChangedError, type StorageFigures } from './failure.ts';
import { folderFailure, isErrno } from './folder-failure.ts';
import { sweepLockFiles, withLockFile } from './lock-file.ts';
import { withLocalLock } from './locks.ts';
import {
  type CheckpointRecord,
  encodeRecord,
  isDamaged,
  orphanChunks,
  type StoredRecord,
  unsharedChunks,
} from './record.ts';
import { decodeRecord } from './record-check.ts';
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
    const paths = [backend.#chunks, backend.#checkpoints, backend.#values, backend.#locks];
    await backend.#guard(async () => {
      for (const path of paths) await mkdir(path, { recursive: true });
    });
    return backend;
  }

  hasChunk(hash: string): Promise<boolean> {
    return this.#guard(async () => (await orMissing(stat(this.#chunk(hash)))) !== undefined);
  }

  writeChunk({ hash, bytes }: NamedChunk): Promise<void> {
    // Locked too: a sweep takes temporary files for what a killed write left.
    return this.#exclusively(() => writeWhole(this.#chunk(hash), bytes));
  }

  openChunk(hash: string): Promise<Blob | undefined> {
    return this.#guard(async () => {
      const bytes = await orMissing(readFile(this.#chunk(hash)));
      return bytes && new Blob([bytes]);
    });
  }

  readChunk(
    hash: string,
    start: number,
    end: number,
  ): Promise<Uint8Array<ArrayBuffer> | undefined> {
    return this.#guard(async () => {
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
    });
  }

  deleteChunk(hash: string): Promise<void> {
    return this.#guard(() => rm(this.#chunk(hash), { force: true }));
  }

  record(id: string): Promise<StoredRecord | undefined> {
    return this.#guard(() => readRecordFile(id, this.#record(id)));
  }

  records(): Promise<StoredRecord[]> {
    return this.#guard(async () => {
      const files = (await orMissing(readdir(this.#checkpoints))) ?? [];
      const records = await Promise.all(
        files.map(async (file) => {
          const id = idOf(file);
          return id === undefined ? undefined : readRecordFile(id, join(this.#checkpoints, file));
        }),
      );
      return records.filter((record) => record !== undefined);
    });
  }

  commit(record: CheckpointRecord, chunk?: NamedChunk): Promise<void> {
    return this.#exclusively(async () => {
      const found = await this.record(record.id);
      const present = found && !isDamaged(found) ? found : undefined;
      if ((present?.version ?? 0) !== record.version - 1) throw new RecordChangedError(record.id);
      const isNew = chunk !== undefined && !(await this.hasChunk(chunk.hash));
      if (isNew) await writeWhole(this.#chunk(chunk.hash), chunk.bytes);
      try {
        await this.#writeRecord(record);
      } catch (error) {
        // No record uses it, and it may take the room that other writes need.
        if (isNew) await rm(this.#chunk(chunk.hash), { force: true });
        throw error;
      }
      if (!present?.tail) return;
      for (const hash of unsharedChunks(present, await this.records())) {
        await this.deleteChunk(hash);
      }
    });
  }

  touch(id: string, lastUsedAt: number): Promise<StoredRecord | undefined> {
    return this.#exclusively(async () => {
      const record = await this.record(id);
      if (!record || isDamaged(record)) return record;
      const used = { ...record, lastUsedAt };
      try {
        await this.#writeRecord(used);
      } catch (error) {
        // With no room left, a checkpoint must still open.
        if (!isOutOfRoom(error)) throw error;
      }
      return used;
    });
  }

  drop(id: string): Promise<void> {
    return this.#exclusively(async () => {
      const record = await this.record(id);
      if (!record) return;
      // The record first: chunks without a record are swept later, a record without chunks would be broken.
      await rm(this.#record(id), { force: true, recursive: true });
      for (const hash of unsharedChunks(record, await this.records())) await this.deleteChunk(hash);
      // A damaged record may not have named all that was its own.
      if (isDamaged(record)) await this.#sweep();
    });
  }

  sweep(): Promise<number> {
    return this.#exclusively(() => this.#sweep());
  }

  async #sweep(): Promise<number> {
    const files = (await orMissing(readdir(this.#chunks))) ?? [];
    const left = files.filter((file) => file.endsWith('.tmp')).map((file) => this.#chunk(file));
    for (const file of (await orMissing(readdir(this.#checkpoints))) ?? []) {
      if (file.endsWith('.tmp')) left.push(join(this.#checkpoints, file));
    }
    for (const path of left) await rm(path, { force: true });
    await sweepLockFiles(this.#locks);
    const chunks = files.filter((file) => !file.endsWith('.tmp'));
    const orphans = orphanChunks(await this.records(), chunks);
    for (const hash of orphans) await rm(this.#chunk(hash), { force: true, recursive: true });
    return orphans.length;
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
    return this.#guard(() => rm(join(this.#values, name), { force: true }));
  }

  estimate(): Promise<StorageFigures | undefined> {
    return this.#guard(async () => {
      const room = await orMissing(statfs(this.#chunks));
      if (!room) return undefined;
      const files = (await orMissing(readdir(this.#chunks))) ?? [];
      const sizes = await Promise.all(
        files.map(async (file) => (await orMissing(stat(join(this.#chunks, file))))?.size ?? 0),
      );
      const usedBytes = sizes.reduce((sum, size) => sum + size, 0);
      return { usedBytes, freeBytes: room.bavail * room.bsize };
    });
  }

  async lock<T>(name: string, task: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    // Names may hold anything; their hashes are fit for files.
    const path = join(this.#locks, (await sha256(new TextEncoder().encode(name))).slice(0, 32));
    let isTasks = false;
    const run = async (): Promise<T> => {
      try {
        return await task();
      } catch (error) {
        isTasks = true;
        throw error;
      }
    };
    try {
      return await withLocalLock(path, () => withLockFile(path, run, signal), signal);
    } catch (error) {
      throw isTasks ? error : folderFailure(this.name, error);
    }
  }

  close(): void {
    // Nothing is held open.
  }

  /** Chunks and records change under one lock, so that a sweep sees both or neither. */
  #exclusively<T>(task: () => Promise<T>): Promise<T> {
    return this.#guard(() => this.lock('store', task));
  }

  async #guard<T>(task: () => Promise<T>): Promise<T> {
    try {
      return await task();
    } catch (error) {
      throw folderFailure(this.name, error);
    }
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

/** The checkpoint's id; undefined if the file is none of the store's. */
function idOf(file: string): string | undefined {
  try {
    const id = decodeURIComponent(file.slice(0, -'.json'.length));
    return `${encodeURIComponent(id)}.json` === file ? id : undefined;
  } catch {
    return undefined;
  }
}

async function readRecordFile(id: string, path: string): Promise<StoredRecord | undefined> {
  let text: string | undefined;
  try {
    text = await orMissing(readFile(path, 'utf8'));
  } catch (error) {
    if (!isErrno(error)) throw error;
    return { id, state: 'damaged', problem: `its record cannot be read (${error.code})` };
  }
  return text === undefined ? undefined : decodeRecord(id, text);
}

async function writeWhole(path: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
  const temporary = `${path}.${crypto.randomUUID()}.tmp`;
  try {
    // The folder may have been cleared since the store was opened.
    await mkdir(dirname(path), { recursive: true });
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
