/** @file An import that met the end of the storage: what was being written, and how much of it is kept. */
import { ZoetropeError } from '../errors.ts';
import { formatBytes } from '../format-bytes.ts';
import { StorageFullError } from '../store/failure.ts';

export interface FullImport {
  /** The record in the store. */
  readonly id: string;
  /** Where the file is from. */
  readonly source: string;
  /** What was being written, such as `transformer/model.safetensors`. */
  readonly file: string;
  /** Bytes of the component that are kept. */
  readonly keptBytes: number;
  /** Bytes of the whole component as it is stored. */
  readonly totalBytes: number;
}

/** `storage-full` of one component. The caller that knows the whole model says more: see `explainFullStorage`. */
export class ImportFullError extends ZoetropeError {
  readonly where: FullImport;

  constructor(where: FullImport, cause: StorageFullError) {
    const { file, source, keptBytes, totalBytes } = where;
    super(
      'storage-full',
      `There is no room to store ${file} of ${source}: the storage is full after ` +
        `${formatBytes(keptBytes)} of this part’s ${formatBytes(totalBytes)}.`,
      cause.hint,
      { cause },
    );
    this.where = where;
  }
}

/** Runs `task`; says where it was if it finds no more room. */
export async function sayingWhere<T>(where: () => FullImport, task: () => Promise<T>): Promise<T> {
  try {
    return await task();
  } catch (error) {
    if (error instanceof StorageFullError) throw new ImportFullError(where(), error);
    throw error;
  }
}
