/** @file A checkpoint of which only texts and safetensors headers exist; a tensor's bytes are zeros, whatever it claims. */
import { type FileSource, missingFile } from '../weights/source.ts';

/** A file that begins with `head` and is `size` bytes long. */
export interface HeadedFile {
  readonly head: Uint8Array<ArrayBuffer>;
  readonly size: number;
}

/** A safetensors file of which only the header is written. @param header Its JSON text. */
export function headedFile(header: string, dataBytes: number): HeadedFile {
  const text = new TextEncoder().encode(header);
  const head = new Uint8Array(8 + text.length);
  new DataView(head.buffer).setBigUint64(0, BigInt(text.length), true);
  head.set(text, 8);
  return { head, size: head.length + dataBytes };
}

export type MemoryFiles = ReadonlyMap<string, string | HeadedFile>;

/** Opening and planning read nothing else. Bytes after the head read as zeros. */
export class MemorySource implements FileSource {
  readonly name: string;
  readonly #files: MemoryFiles;

  constructor(files: MemoryFiles, name = 'memory') {
    this.name = name;
    this.#files = files;
  }

  readText(path: string): Promise<string> {
    const file = this.#files.get(path);
    if (file === undefined) return Promise.reject(missingFile(this, path));
    return Promise.resolve(typeof file === 'string' ? file : new TextDecoder().decode(file.head));
  }

  exists(path: string): Promise<boolean> {
    return Promise.resolve(this.#files.has(path));
  }

  list(): Promise<readonly string[]> {
    return Promise.resolve([...this.#files.keys()]);
  }

  size(path: string): Promise<number> {
    const file = this.#files.get(path);
    if (file === undefined) return Promise.reject(missingFile(this, path));
    return Promise.resolve(
      typeof file === 'string' ? new TextEncoder().encode(file).length : file.size,
    );
  }

  revision(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  read(path: string, start: number, end: number): Promise<Uint8Array<ArrayBuffer>> {
    const file = this.#files.get(path);
    if (file === undefined) return Promise.reject(missingFile(this, path));
    const head = typeof file === 'string' ? new TextEncoder().encode(file) : file.head;
    const bytes = new Uint8Array(end - start);
    bytes.set(head.subarray(start, end));
    return Promise.resolve(bytes);
  }
}
