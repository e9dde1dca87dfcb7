/** @file A file arrived whole, but is not the one that its source lists. */
import { ZoetropeError } from '../errors.ts';
import type { FileSource } from './source.ts';

export class FileMismatch extends Error {
  readonly source: string;
  readonly path: string;
  readonly expected: string;
  readonly actual: string;

  constructor(source: string, path: string, expected: string, actual: string) {
    super(`${path} of ${source}: ${actual}, expected ${expected}`);
    this.source = source;
    this.path = path;
    this.expected = expected;
    this.actual = actual;
  }

  /** What the source holds of the file is dropped, so that the next read fetches it. */
  static of(source: FileSource, path: string, expected: string, actual: string): FileMismatch {
    source.forget?.(path);
    return new FileMismatch(source.name, path, expected, actual);
  }

  /** For the user, once fetching the file again did not help. */
  toError(): ZoetropeError {
    return new ZoetropeError(
      'network',
      `${this.path} of ${this.source} arrived damaged twice: its hash is ${this.actual}, but ${this.expected} is listed.`,
      'A proxy, a virus scanner or a mirror may change it on its way: try again later, or over another network.',
      { cause: this },
    );
  }
}

/**
 * Fetches, and fetches once more if what came is not the file that is listed.
 * @param attempt May be called again for each file that it reads.
 * @param discard Drops what was kept of the file, before it is fetched again and before the failure is reported.
 * @throws ZoetropeError `network` at the second mismatch of a file.
 */
export async function refetching<T>(
  attempt: () => Promise<T>,
  discard: (mismatch: FileMismatch) => Promise<void> = async () => undefined,
): Promise<T> {
  const failed = new Set<string>();
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof FileMismatch)) throw error;
      await discard(error);
      if (failed.has(error.path)) throw error.toError();
      failed.add(error.path);
    }
  }
}
