/** @file A checkpoint in a folder of the user's own: files that were dropped on a page or picked there. */
import { isAbortError, modelFormat } from '../errors.ts';
import { type FileSource, missingFile, type ReadOptions } from './source.ts';

/** Can be cloned into a worker: its files are handles, not bytes. */
export interface FolderFiles {
  /** The folder's. */
  readonly name: string;
  readonly files: readonly { readonly path: string; readonly file: File }[];
}

export class FilesSource implements FileSource {
  readonly name: string;
  readonly #files: ReadonlyMap<string, File>;

  /** @param folder Paths are relative to the folder, with forward slashes. */
  constructor(folder: FolderFiles) {
    // Told from a hub repository or a URL wherever models are listed.
    this.name = `folder:${folder.name}`;
    this.#files = new Map(folder.files.map(({ path, file }) => [path, file]));
  }

  async readText(path: string, options?: ReadOptions): Promise<string> {
    const { size } = this.#find(path);
    return new TextDecoder().decode(await this.read(path, 0, size, options));
  }

  exists(path: string): Promise<boolean> {
    return Promise.resolve(this.#files.has(path));
  }

  list(): Promise<readonly string[]> {
    return Promise.resolve([...this.#files.keys()]);
  }

  async size(path: string): Promise<number> {
    return this.#find(path).size;
  }

  /** Length and time of the last change: hashing gigabytes would take as long as importing them. */
  async revision(path: string): Promise<string> {
    const { size, lastModified } = this.#find(path);
    return `${lastModified} ${size}`;
  }

  async read(
    path: string,
    start: number,
    end: number,
    options?: ReadOptions,
  ): Promise<Uint8Array<ArrayBuffer>> {
    const file = this.#find(path);
    options?.signal?.throwIfAborted();
    let bytes: Uint8Array<ArrayBuffer>;
    try {
      bytes = new Uint8Array(await file.slice(start, end).arrayBuffer());
    } catch (cause) {
      if (isAbortError(cause)) throw cause;
      // Browsers refuse to read a file that is not the one that was picked any more.
      throw modelFormat(
        `${path} of ${this.name} has changed, or cannot be read any more.`,
        'Choose the folder again.',
        cause,
      );
    }
    options?.signal?.throwIfAborted();
    if (bytes.byteLength < end - start) {
      throw modelFormat(
        `${path} of ${this.name} ends ${end - start - bytes.byteLength} bytes early.`,
        'The file was cut short while it was copied or downloaded: get it again.',
      );
    }
    options?.onBytes?.(bytes.byteLength);
    return bytes;
  }

  #find(path: string): File {
    const file = this.#files.get(path);
    if (!file) throw missingFile(this, path);
    return file;
  }
}
