/** @file A checkpoint in a folder on disk, for Node: tests, benchmarks and tools. Never part of the page. */
import { open, readdir, readFile, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { modelFormat } from '../errors.ts';
import { type FileSource, missingFile, type ReadOptions } from './source.ts';

export class NodeFolderSource implements FileSource {
  readonly name: string;

  constructor(folder: string) {
    this.name = folder;
  }

  async readText(path: string): Promise<string> {
    try {
      return await readFile(join(this.name, path), 'utf8');
    } catch {
      throw missingFile(this, path);
    }
  }

  async exists(path: string): Promise<boolean> {
    return (await stat(join(this.name, path)).catch(() => undefined))?.isFile() ?? false;
  }

  async list(): Promise<string[]> {
    const entries = await readdir(this.name, { recursive: true, withFileTypes: true });
    return entries
      .filter((entry) => !entry.isDirectory())
      .map(({ parentPath, name }) => relative(this.name, join(parentPath, name)))
      .map((path) => path.replaceAll('\\', '/'));
  }

  async size(path: string): Promise<number> {
    if (!(await this.exists(path))) throw missingFile(this, path);
    return (await stat(join(this.name, path))).size;
  }

  async revision(path: string): Promise<string> {
    const { mtimeMs, size } = await stat(join(this.name, path));
    return `${mtimeMs} ${size}`;
  }

  async read(
    path: string,
    start: number,
    end: number,
    options?: ReadOptions,
  ): Promise<Uint8Array<ArrayBuffer>> {
    const handle = await open(join(this.name, path)).catch(() => {
      throw missingFile(this, path);
    });
    try {
      const bytes = new Uint8Array(end - start);
      const { bytesRead } = await handle.read(bytes, 0, bytes.byteLength, start);
      if (bytesRead < bytes.byteLength) {
        throw modelFormat(
          `${path} of ${this.name} ends ${bytes.byteLength - bytesRead} bytes early.`,
          'The file was cut short while it was copied: copy it again.',
        );
      }
      options?.onBytes?.(bytesRead);
      return bytes;
    } finally {
      await handle.close();
    }
  }
}
