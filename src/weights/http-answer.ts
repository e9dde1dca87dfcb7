/**
 * @file What a server's answer to a request for a range means. Only headers that scripts of other origins see unasked
 * are counted on (`Content-Length`, `Content-Type`, `Last-Modified`); the others are checked where they can be seen.
 */
import { modelFormat, ZoetropeError } from '../errors.ts';
import { PassingFailure, retryAfter } from './http-retry.ts';
import { type FileSource, missingFile } from './source.ts';

export const CUT_SHORT =
  'The file was cut short while it was copied or downloaded: fetch it again.';

export function networkError(
  source: FileSource,
  what: string,
  hint = 'Check the connection and try again.',
  cause?: unknown,
): ZoetropeError {
  return new ZoetropeError('network', `${source.name}: ${what}.`, hint, { cause });
}

/** Development servers answer a missing path with the application's own page. */
export function looksLikePage({ headers }: Response): boolean {
  return headers.get('Content-Type')?.startsWith('text/html') ?? false;
}

const PASSING: ReadonlySet<number> = new Set([408, 429, 500, 502, 503, 504]);

/** The failure that a status is, one that may pass or one for good. */
export function failureOf(response: Response, source: FileSource, path: string): Error {
  const { status } = response;
  const what = `${path}: HTTP status ${status}`;
  switch (status) {
    case 401:
      return networkError(
        source,
        what,
        'The server wants a login: put it into the address, as name:password@ before the host, or download the folder and choose it.',
      );
    case 403:
      return networkError(
        source,
        what,
        'The server refuses this file. If the address is a signed one, it may have expired: get a new one.',
      );
    case 404:
      return missingFile(source, path);
    case 410:
      return modelFormat(
        `${source.name} has no file ${path} any more.`,
        'The model was taken down: choose another.',
      );
    case 416:
      return modelFormat(`${path} of ${source.name} is shorter than it should be.`, CUT_SHORT);
    case 429: {
      const waitMs = retryAfter(response);
      const when = waitMs === undefined ? 'in a while' : `in ${Math.ceil(waitMs / 1000)} s`;
      const hint = `The server has had too many requests: try again ${when}. What is stored is kept.`;
      return new PassingFailure(networkError(source, what, hint), waitMs);
    }
    default: {
      const hint = 'The server has trouble: try again later. What is stored is kept.';
      const error = networkError(source, what, hint);
      return PASSING.has(status) ? new PassingFailure(error, retryAfter(response)) : error;
    }
  }
}

export interface Range {
  readonly start: number;
  /** Exclusive. */
  readonly end: number;
}

export interface Part {
  /** Where the bytes are that will come, if it is told. */
  readonly end?: number;
  /** Of the whole file, if it is told. */
  readonly total?: number;
}

/**
 * What part of the file a 206 says it brings.
 * @throws ZoetropeError `network` if it is another than was asked for, `feature-missing` if its bytes are not the file's.
 */
export function partOf(
  { headers }: Response,
  { start, end }: Range,
  source: FileSource,
  path: string,
): Part {
  const encoding = headers.get('Content-Encoding');
  if (encoding !== null && encoding !== 'identity') {
    throw new ZoetropeError(
      'feature-missing',
      `${source.name} compresses parts of ${path} (${encoding}): they are not the file's bytes.`,
      'Switch compression off for .safetensors files on that server.',
    );
  }
  const text = headers.get('Content-Range');
  const match = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(text ?? '');
  const isMany = headers.get('Content-Type')?.startsWith('multipart/') ?? false;
  const numbers = match?.slice(1).filter((each) => each !== '*') ?? [];
  const isExact = numbers.every((each) => Number.isSafeInteger(Number(each)));
  if (isMany || !isExact || (text !== null && !match)) {
    const what = text?.slice(0, 80) ?? 'multipart';
    throw networkError(source, `${path}: an answer that makes no sense (${what})`);
  }
  if (!match) return {};
  const [first, last] = [Number(match[1]), Number(match[2])];
  // More than was asked for is told, wrongly or not, by Chromium's cache of a file that it has whole.
  if (first !== start || last < first) {
    throw networkError(
      source,
      `${path}: bytes ${first}–${last} came where ${start}–${end - 1} were asked for`,
      'A proxy between here and the server may be at fault: try without it.',
    );
  }
  return { end: last + 1, ...(match[3] === '*' ? {} : { total: Number(match[3]) }) };
}

/** What tells one version of a file from the next, alike whether or not it was compressed on its way. */
export function versionOf({ headers }: Response): string | undefined {
  const tag = headers
    .get('ETag')
    ?.replace(/^W\//, '')
    .replace(/-(gzip|br|zstd)"$/, '"');
  return tag ?? headers.get('Last-Modified') ?? undefined;
}
