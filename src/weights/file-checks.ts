/**
 * @file Compares the files of a component with the hashes that their source lists, while they are read for something
 * else. A hash needs a file whole and in order: of a file that is read otherwise it says that only ranges were read.
 */
import type { FileState } from '../store/checked-files.ts';
import type { ComponentFiles } from './component.ts';
import { type ContentHash, contentHash } from './content-hash.ts';
import { FileMismatch } from './file-mismatch.ts';
import type { ReadOptions } from './source.ts';

/** Bytes that are not needed, between tensors or at the file's end, are read for the hash if they are this few. */
const MAX_FILLED_BYTES = 256 * 1024;

interface OpenFile {
  readonly path: string;
  readonly size: number;
  readonly mark: string | undefined;
  /** Undefined: there is nothing to compare with, or some bytes were left out. */
  hash: ContentHash | undefined;
  /** Bytes hashed so far. */
  position: number;
}

export class FileChecks {
  readonly #files: ComponentFiles;
  readonly #options: ReadOptions;
  readonly #states = new Map<string, FileState>();
  #open: OpenFile | undefined;

  constructor(files: ComponentFiles, options?: ReadOptions) {
    this.#files = files;
    this.#options = options?.signal ? { signal: options.signal } : {};
  }

  /** How each file that was begun was read. A file counts as read whole only once its hash was compared. */
  get states(): ReadonlyMap<string, FileState> {
    return this.#states;
  }

  /**
   * Notes bytes that were read: for each file in its order, one file after another.
   * @param isNext False if tensors before these bytes were left out.
   * @throws FileMismatch when the file ends, or the one before it.
   */
  async take(
    path: string,
    start: number,
    bytes: Uint8Array<ArrayBuffer>,
    isNext: boolean,
  ): Promise<void> {
    if (this.#open?.path !== path) {
      await this.finish();
      this.#open = await this.#begin(path);
    }
    const file = this.#open;
    if (!isNext || start < file.position) leave(file);
    await this.#fill(file, start);
    if (!file.hash) return;
    await file.hash.update(bytes);
    file.position = start + bytes.byteLength;
    if (file.position === file.size) await this.#compare(file);
  }

  /** To call at the end. @throws FileMismatch */
  async finish(): Promise<void> {
    const file = this.#open;
    if (!file) return;
    await this.#fill(file, file.size);
    if (file.hash && file.position === file.size) await this.#compare(file);
    this.#open = undefined;
  }

  /** To call when reading is over, also by a failure. */
  close(): void {
    if (this.#open) leave(this.#open);
  }

  async #begin(path: string): Promise<OpenFile> {
    const { source, headers } = this.#files;
    const size = await source.size(path, this.#options);
    const mark = await source.revision(path, this.#options);
    const header = headers.get(path);
    const hash = header && (await contentHash(mark, size));
    this.#states.set(path, hash ? 'ranges' : 'unknown');
    if (!hash || !header) return { path, size, mark, hash: undefined, position: 0 };
    await hash.update(header);
    return { path, size, mark, hash, position: header.byteLength };
  }

  async #fill(file: OpenFile, end: number): Promise<void> {
    if (!file.hash || file.position >= end) return;
    if (end - file.position > MAX_FILLED_BYTES) {
      leave(file);
      return;
    }
    const { source } = this.#files;
    await file.hash.update(await source.read(file.path, file.position, end, this.#options));
    file.position = end;
  }

  async #compare(file: OpenFile): Promise<void> {
    const { path, mark, hash } = file;
    file.hash = undefined;
    const actual = await hash?.mark();
    if (actual === undefined || mark === undefined) return;
    if (actual !== mark) throw FileMismatch.of(this.#files.source, path, mark, actual);
    this.#states.set(path, 'whole');
  }
}

/** The file will not be compared. */
function leave(file: OpenFile): void {
  file.hash?.close();
  file.hash = undefined;
}
