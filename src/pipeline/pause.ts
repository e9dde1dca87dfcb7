/** @file Pausing a download: an import that is stopped keeps what has arrived, and resumes when it is asked again. */
import { invalidArgument, isAbortError } from '../errors.ts';
import type { LoadOptions, Progress } from './api.ts';

/** What loading rejects with when it was paused: an `AbortError` that says how far it came. */
export class DownloadPaused extends DOMException {
  /** Bytes that are in the store and are not fetched again. Requests that were not finished do not count. */
  readonly loadedBytes: number;
  /** Bytes that loading fetches in all; 0 if they were not known yet. */
  readonly totalBytes: number;

  constructor(loadedBytes: number, totalBytes: number) {
    super('The download is paused: load the model again to resume it.', 'AbortError');
    this.loadedBytes = loadedBytes;
    this.totalBytes = totalBytes;
  }

  get leftBytes(): number {
    return this.totalBytes - this.loadedBytes;
  }
}

/**
 * Loads, and stops when `options.pause` aborts.
 * @throws `DownloadPaused`; ZoetropeError `invalid-argument` if nothing would be kept.
 */
export async function pausable<T>(
  options: LoadOptions,
  load: (options: Omit<LoadOptions, 'pause'>) => Promise<T>,
): Promise<T> {
  const { pause, ...rest } = options;
  if (!pause) return load(rest);
  if (rest.storage !== true) {
    throw invalidArgument(
      'pause',
      'a download that is not stored cannot be resumed.',
      'Set storage to true.',
    );
  }
  // The last report of a load that stops early counts what the store has kept.
  let [loaded, total] = [0, 0];
  const onProgress = (progress: Progress): void => {
    if (progress.type === 'download') {
      loaded = progress.loadedBytes;
      total = progress.totalBytes;
    }
    rest.onProgress?.(progress);
  };
  const signal = rest.signal ? AbortSignal.any([rest.signal, pause]) : pause;
  try {
    return await load({ ...rest, onProgress, signal });
  } catch (error) {
    const isPause = pause.aborted && rest.signal?.aborted !== true && isAbortError(error);
    throw isPause ? new DownloadPaused(loaded, total) : error;
  }
}
