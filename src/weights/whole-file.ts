/** @file Reads a file whole and in order, and compares it with the hash that its source lists. Memory stays the same. */
import { ZoetropeError } from '../errors.ts';
import { contentHash } from './content-hash.ts';
import { FileMismatch } from './file-mismatch.ts';
import type { FileSource, ReadOptions } from './source.ts';

/** A range that is wanted in one piece. */
export interface Span {
  readonly start: number;
  /** Exclusive. */
  readonly end: number;
}

/** Reads on their way while one is worked on. */
const READS_AHEAD = 3;
/** Longest read of the bytes between the spans. */
const READ_BYTES = 4 * 1024 * 1024;

/**
 * @param spans In order and apart; each comes in one piece.
 * @param onSpan Gets each, in order; the bytes are its own.
 * @returns Whether the file was compared: its source may list no hash.
 * @throws FileMismatch if the file is not the one that is listed.
 */
export async function readWholeFile<T extends Span>(
  source: FileSource,
  path: string,
  spans: readonly T[],
  onSpan: (span: T, bytes: Uint8Array<ArrayBuffer>) => Promise<void>,
  options?: ReadOptions,
): Promise<boolean> {
  const size = await source.size(path, options);
  const mark = await source.revision(path, options);
  const hash = await contentHash(mark, size);
  try {
    const slices = [...slicesOf(size, spans)];
    const ahead: Promise<Uint8Array<ArrayBuffer>>[] = [];
    let opened = 0;
    for (const [index, { start, end, span }] of slices.entries()) {
      options?.signal?.throwIfAborted();
      for (const next of slices.slice(opened, index + 1 + READS_AHEAD)) {
        const read = source.read(path, next.start, next.end, options);
        // Reported to the one who takes it.
        read.catch(() => undefined);
        ahead.push(read);
        opened++;
      }
      const bytes = await ahead.shift();
      if (!bytes) throw new Error(`bytes ${start} to ${end} of ${path} were not read`);
      await hash?.update(bytes);
      if (span) await onSpan(span, bytes);
    }
    if (!hash || mark === undefined) return false;
    const actual = await hash.mark();
    if (actual === undefined) {
      throw new ZoetropeError(
        'worker-lost',
        `The worker that hashes ${path} has failed.`,
        'Load the page again, and verify the model then.',
      );
    }
    if (actual !== mark) throw FileMismatch.of(source, path, mark, actual);
    return true;
  } finally {
    hash?.close();
  }
}

function* slicesOf<T extends Span>(
  size: number,
  spans: readonly T[],
): Iterable<Span & { span?: T }> {
  let at = 0;
  for (const span of [...spans, undefined]) {
    const end = span?.start ?? size;
    for (; at < end; at += READ_BYTES) yield { start: at, end: Math.min(end, at + READ_BYTES) };
    if (span) yield { start: span.start, end: span.end, span };
    at = span?.end ?? size;
  }
}
