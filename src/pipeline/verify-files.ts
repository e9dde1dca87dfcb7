/** @file Verifies the files of a model where they are: each is read whole and compared with the hash that is listed. */
import { openCheckpoint } from '../families/open-checkpoint.ts';
import { ZoetropeError } from '../errors.ts';
import { FileMismatch } from '../weights/file-mismatch.ts';
import type { FileSource, ReadOptions } from '../weights/source.ts';
import { TouchedSource } from '../weights/touched-source.ts';
import { readWholeFile } from '../weights/whole-file.ts';

export interface FileVerdict {
  readonly path: string;
  readonly size: number;
  /** `unlisted`: its source lists no hash. `missing`: it cannot be read where it should be. */
  readonly outcome: 'right' | 'wrong' | 'unlisted' | 'missing';
  /** The hash that is listed. */
  readonly expected?: string;
  /** The hash of the bytes that came; for `wrong` alone. */
  readonly actual?: string;
}

export interface VerifyFilesOptions extends ReadOptions {
  /** A copy of the files: its bytes are compared with the hashes that `source` lists. */
  readonly copy?: FileSource | undefined;
  /** Called before the files are read. */
  readonly onStart?: (files: readonly { path: string; size: number }[]) => void;
  readonly onFile?: (verdict: FileVerdict) => void;
}

/**
 * All files that loading the model reads something of. A file that is wrong is read once more.
 * @throws ZoetropeError `model-format`, `network`.
 */
export async function verifyFiles(
  source: FileSource,
  options: VerifyFilesOptions = {},
): Promise<readonly FileVerdict[]> {
  const { copy, signal } = options;
  const reading: ReadOptions = signal ? { signal } : {};
  const touched = new TouchedSource(source);
  await openCheckpoint(touched, reading);
  const files: { path: string; size: number }[] = [];
  for (const path of touched.paths) files.push({ path, size: await source.size(path, reading) });
  options.onStart?.(files);
  const verdicts: FileVerdict[] = [];
  for (const file of files) {
    const place = copy ? bytesOf(copy, source) : source;
    const verdict = await verifyFile(place, file, copy !== undefined, options);
    options.onFile?.(verdict);
    verdicts.push(verdict);
  }
  return verdicts;
}

async function verifyFile(
  source: FileSource,
  file: { path: string; size: number },
  isCopy: boolean,
  { signal, onBytes }: VerifyFilesOptions,
): Promise<FileVerdict> {
  const expected = await source.revision(file.path, signal ? { signal } : {});
  if (!isCopy && expected?.startsWith('git:') === true) {
    // Small: read whole and compared whenever it is read. A range of it may come compressed.
    await source.readText(file.path, {
      ...(signal ? { signal } : {}),
      ...(onBytes ? { onBytes } : {}),
    });
    return { ...file, outcome: 'right', expected };
  }
  for (let attempt = 0; ; attempt++) {
    let read = 0;
    const options: ReadOptions = {
      ...(signal ? { signal } : {}),
      onBytes(bytes) {
        read += bytes;
        onBytes?.(bytes);
      },
    };
    try {
      const isListed = await readWholeFile(source, file.path, [], async () => undefined, options);
      if (!isListed || expected === undefined) return { ...file, outcome: 'unlisted' };
      return { ...file, outcome: 'right', expected };
    } catch (error) {
      if (error instanceof FileMismatch) {
        const { actual } = error;
        if (attempt > 0) return { ...file, outcome: 'wrong', expected: error.expected, actual };
        onBytes?.(-read);
        continue;
      }
      // Of a copy all that is missing is listed.
      const isMissing = error instanceof ZoetropeError && error.code === 'model-format';
      if (isCopy && isMissing) return { ...file, outcome: 'missing' };
      throw error;
    }
  }
}

/** Bytes and lengths of one place, hashes of another. */
function bytesOf(copy: FileSource, listed: FileSource): FileSource {
  return {
    name: copy.name,
    readText: (path, options) => copy.readText(path, options),
    exists: (path, options) => copy.exists(path, options),
    size: (path, options) => copy.size(path, options),
    revision: (path, options) => listed.revision(path, options),
    read: (path, start, end, options) => copy.read(path, start, end, options),
  };
}
