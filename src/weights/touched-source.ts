/** @file The same files, and which of them were read. */
import type { FileSource, ReadOptions } from './source.ts';

export class TouchedSource implements FileSource {
  readonly name: string;
  readonly #source: FileSource;
  readonly #paths = new Set<string>();

  constructor(source: FileSource) {
    this.name = source.name;
    this.#source = source;
  }

  /** Files of which something was read, in order of path. */
  get paths(): readonly string[] {
    return [...this.#paths].sort();
  }

  readText(path: string, options?: ReadOptions): Promise<string> {
    this.#paths.add(path);
    return this.#source.readText(path, options);
  }

  exists(path: string, options?: ReadOptions): Promise<boolean> {
    return this.#source.exists(path, options);
  }

  async list(options?: ReadOptions): Promise<readonly string[]> {
    return (await this.#source.list?.(options)) ?? [];
  }

  size(path: string, options?: ReadOptions): Promise<number> {
    return this.#source.size(path, options);
  }

  revision(path: string, options?: ReadOptions): Promise<string | undefined> {
    return this.#source.revision(path, options);
  }

  read(
    path: string,
    start: number,
    end: number,
    options?: ReadOptions,
  ): Promise<Uint8Array<ArrayBuffer>> {
    this.#paths.add(path);
    return this.#source.read(path, start, end, options);
  }
}
