/**
 * @file A checkpoint behind a base URL, read by HTTP ranges. What may pass is tried again, a body that broke off is
 * continued where it stopped, and a file that changes between two answers is an error, never a mixture.
 */
import { modelFormat, ZoetropeError } from '../errors.ts';
import { readAddress, sendingLogin, withoutSecrets } from './address-secrets.ts';
import {
  CUT_SHORT,
  failureOf,
  looksLikePage,
  networkError,
  partOf,
  type Range,
  versionOf,
} from './http-answer.ts';
import { StalledError, WatchedFetch } from './http-body.ts';
import { PassingFailure, RETRY_POLICY, retrying, type RetryPolicy } from './http-retry.ts';
import type { FileSource, ReadOptions } from './source.ts';
import { whyUnreachable } from './unreachable.ts';
import { isAnother, WEB_PAGE } from './what-is-it.ts';

export interface HttpSourceOptions {
  /** Stands in for the global `fetch`. */
  readonly fetch?: typeof fetch | undefined;
  /** For messages and records; default: the URL without its secrets. */
  readonly name?: string;
  /** Lengths in bytes that are known already, by path. The files never change: no versions are compared. */
  readonly sizes?: ReadonlyMap<string, number>;
  /** What an answer that is not `ok` means here, if it means anything of its own. */
  readonly explain?: (response: Response) => Error | undefined;
  readonly retry?: Partial<RetryPolicy>;
}

/** Files up to this long are read whole and kept, this many bytes of them, where a server ignores ranges. */
const WHOLE_BYTES = 64 * 1024 * 1024;

/** Where nothing has ever answered, the address is more likely wrong than the network busy. */
const FIRST_ATTEMPTS = 3;

export class HttpSource implements FileSource {
  readonly name: string;
  readonly #base: string;
  readonly #query: string;
  readonly #secrets: readonly string[];
  readonly #fetch: typeof fetch;
  readonly #explain: HttpSourceOptions['explain'];
  readonly #policy: RetryPolicy;
  readonly #isFixed: boolean;
  readonly #sizes: Map<string, number>;
  readonly #versions = new Map<string, string>();
  readonly #whole = new Map<string, Uint8Array<ArrayBuffer>>();
  #hasAnswered = false;

  /** @param base URL of the folder; a query, and a user's name and password, are sent with every request. */
  constructor(base: string, options: HttpSourceOptions = {}) {
    const { folder, query, login, secrets } = readAddress(base);
    this.#base = folder.endsWith('/') ? folder : `${folder}/`;
    this.#query = query;
    this.#secrets = secrets;
    // What is stored is known by its name: a signature that changes must not change it.
    this.name = options.name ?? folder;
    this.#fetch = sendingLogin(login, options.fetch);
    this.#explain = options.explain;
    this.#policy = { ...RETRY_POLICY, ...options.retry };
    this.#isFixed = options.sizes !== undefined;
    this.#sizes = new Map(options.sizes);
  }

  async readText(path: string, options?: ReadOptions): Promise<string> {
    const bytes = await this.readWhole(path, 'default', options);
    options?.onBytes?.(bytes.byteLength);
    return new TextDecoder().decode(bytes);
  }

  /** A file of at most 64 MB, by one request. @param cache Whether the browser's may answer. */
  readWhole(
    path: string,
    cache: RequestCache,
    options?: Pick<ReadOptions, 'signal'>,
  ): Promise<Uint8Array<ArrayBuffer>> {
    return this.#trying(path, options, async (watch) =>
      this.#readWhole(path, await this.#request(watch, path, { cache }), watch),
    );
  }

  async exists(path: string, options?: ReadOptions): Promise<boolean> {
    try {
      await this.size(path, options);
      return true;
    } catch (error) {
      if (error instanceof ZoetropeError && error.code === 'model-format') return false;
      throw error;
    }
  }

  async size(path: string, options?: ReadOptions): Promise<number> {
    return (
      this.#sizes.get(path) ?? this.#trying(path, options, (watch) => this.#probe(path, watch))
    );
  }

  async revision(path: string, options?: ReadOptions): Promise<string | undefined> {
    const size = await this.size(path, options);
    const version = this.#versions.get(path);
    return version === undefined ? undefined : `${version} ${size}`;
  }

  async read(
    path: string,
    start: number,
    end: number,
    options?: ReadOptions,
  ): Promise<Uint8Array<ArrayBuffer>> {
    const target = new Uint8Array(end - start);
    let filled = 0;
    if (end === start) return target;
    const fill = async (watch: WatchedFetch): Promise<void> => {
      let whole = this.#whole.get(path);
      if (!whole) {
        const range = { start: start + filled, end };
        const response = await this.#request(watch, path, part(range));
        if (response.status === 206) {
          await this.#readPart(path, response, range, watch, (piece) => {
            target.set(piece, filled);
            filled += piece.byteLength;
            options?.onBytes?.(piece.byteLength);
          });
          return;
        }
        whole = await this.#keepWhole(path, response, watch);
      }
      if (whole.byteLength < end) throw this.#endsEarly(path, end - whole.byteLength);
      target.set(whole.subarray(start + filled, end), filled);
      options?.onBytes?.(end - start - filled);
      filled = end - start;
    };
    await this.#trying(path, options, fill, () => filled);
    return target;
  }

  forget(path: string): void {
    this.#whole.delete(path);
  }

  /** A body from `range.start` on. What is missing at its end may come with the next request. */
  async #readPart(
    path: string,
    response: Response,
    range: Range,
    watch: WatchedFetch,
    take: (piece: Uint8Array<ArrayBuffer>) => void,
  ): Promise<void> {
    const { total, end } = partOf(response, range, this, path);
    const known = this.#sizes.get(path);
    if (total !== undefined && known !== undefined && total !== known) throw this.#changed(path);
    if (total !== undefined && total < range.end) {
      throw this.#endsEarly(path, range.end - total);
    }
    let missing = range.end - range.start;
    const goesOn = end !== undefined && end > range.end;
    await watch.read(response, (piece) => {
      if (piece.byteLength > missing && !goesOn) {
        throw networkError(this, `${path}: more bytes came than were asked for`);
      }
      const wanted = piece.subarray(0, missing);
      missing -= wanted.byteLength;
      take(wanted);
      return missing > 0 || !goesOn;
    });
    if (missing > 0) {
      throw new PassingFailure(networkError(this, `${path}: ${missing} bytes did not come`));
    }
  }

  /** One byte by range rather than HEAD: servers that compress or redirect tell the length only here. */
  async #probe(path: string, watch: WatchedFetch): Promise<number> {
    const range = { start: 0, end: 1 };
    const response = await this.#request(watch, path, part(range));
    if (looksLikePage(response)) throw isAnother(`${path} of ${this.name}`, WEB_PAGE);
    if (response.status !== 206) {
      return (await this.#keepWhole(path, response, watch)).byteLength;
    }
    let { total } = partOf(response, range, this, path);
    // Read, even if only to be dropped: a cancelled body shows up as a failed request.
    await watch.read(response, () => true);
    total ??= await this.#askLength(path, watch);
    this.#sizes.set(path, total);
    return total;
  }

  /** Of a server of another origin that does not let scripts see `Content-Range`. */
  async #askLength(path: string, watch: WatchedFetch): Promise<number> {
    const { ok, headers } = await watch.open(this.#fetch, this.#url(path), { method: 'HEAD' });
    const length = headers.get('Content-Length');
    if (ok && length !== null && /^\d{1,15}$/.test(length)) return Number(length);
    throw new ZoetropeError(
      'feature-missing',
      `${this.name} does not tell how long ${path} is.`,
      'Serve it with Access-Control-Expose-Headers: Content-Range, ETag.',
    );
  }

  /** The file of a server that ignores ranges, read once. @throws ZoetropeError `feature-missing` if it is too long. */
  async #keepWhole(
    path: string,
    response: Response,
    watch: WatchedFetch,
  ): Promise<Uint8Array<ArrayBuffer>> {
    const bytes = await this.#readWhole(path, response, watch);
    const known = this.#sizes.get(path);
    if (known !== undefined && known !== bytes.byteLength) throw this.#changed(path);
    this.#sizes.set(path, bytes.byteLength);
    this.#whole.set(path, bytes);
    let kept = [...this.#whole.values()].reduce((sum, { byteLength }) => sum + byteLength, 0);
    for (const [oldest, { byteLength }] of this.#whole) {
      if (kept <= WHOLE_BYTES) break;
      this.#whole.delete(oldest);
      kept -= byteLength;
    }
    return bytes;
  }

  async #readWhole(
    path: string,
    response: Response,
    watch: WatchedFetch,
  ): Promise<Uint8Array<ArrayBuffer>> {
    if (looksLikePage(response)) throw isAnother(`${path} of ${this.name}`, WEB_PAGE);
    const pieces: Uint8Array<ArrayBuffer>[] = [];
    let length = 0;
    let isTooLong = Number(response.headers.get('Content-Length')) > WHOLE_BYTES;
    await watch.read(response, (piece) => {
      length += piece.byteLength;
      isTooLong ||= length > WHOLE_BYTES;
      if (!isTooLong) pieces.push(piece);
      return !isTooLong;
    });
    if (isTooLong) {
      throw new ZoetropeError(
        'feature-missing',
        `${this.name} sends the whole of ${path} where a part was asked for.`,
        'The server, or a proxy before it, ignores Range: use another, or download the folder and choose it here.',
      );
    }
    const bytes = new Uint8Array(length);
    let position = 0;
    for (const piece of pieces) {
      bytes.set(piece, position);
      position += piece.byteLength;
    }
    return bytes;
  }

  /** @throws `PassingFailure` or, for good, another error. */
  async #request(watch: WatchedFetch, path: string, init: RequestInit): Promise<Response> {
    const response = await this.#send(watch, path, init);
    this.#hasAnswered = true;
    if (!response.ok) {
      await response.body?.cancel().catch(() => undefined);
      throw this.#explain?.(response) ?? failureOf(response, this, path);
    }
    const version = this.#isFixed ? undefined : versionOf(response);
    if (version !== undefined && !looksLikePage(response)) {
      const earlier = this.#versions.get(path) ?? version;
      if (version !== earlier) throw this.#changed(path);
      this.#versions.set(path, version);
    }
    return response;
  }

  /** @throws NoAnswer if none came at all. */
  async #send(watch: WatchedFetch, path: string, init: RequestInit): Promise<Response> {
    try {
      return await watch.open(this.#fetch, this.#url(path), init);
    } catch (cause) {
      throw new NoAnswer(cause, this.#secrets);
    }
  }

  /** What was the matter, once no try brought an answer. */
  async #explained(path: string, error: unknown): Promise<unknown> {
    if (!(error instanceof ZoetropeError)) return error;
    const { cause } = error;
    const failure = cause instanceof NoAnswer ? cause.failure : cause;
    const what = `${path} could not be fetched`;
    if (failure instanceof StalledError) {
      return networkError(this, `${what}: ${failure.message}`, undefined, failure);
    }
    if (!(cause instanceof NoAnswer)) return error;
    const { reason, hint } = await whyUnreachable(this.#url(path), failure, this.#fetch);
    return networkError(this, `${what}: ${reason}`, hint, cause.cause);
  }

  /** Tries `attempt`, each time with a watch of its own; what breaks off or does not come at all is tried again. */
  #trying<T>(
    path: string,
    options: ReadOptions | undefined,
    attempt: (watch: WatchedFetch) => Promise<T>,
    progress: () => number = () => 0,
  ): Promise<T> {
    const signal = options?.signal;
    const attempts = this.#hasAnswered
      ? this.#policy.attempts
      : Math.min(this.#policy.attempts, FIRST_ATTEMPTS);
    const once = async (): Promise<T> => {
      const watch = new WatchedFetch(this.#policy.stallMs, signal);
      try {
        return await attempt(watch);
      } catch (cause) {
        // Whatever the reason that the caller gave, it is the caller's.
        if (signal?.aborted) throw signal.reason;
        if (cause instanceof PassingFailure || cause instanceof ZoetropeError) throw cause;
        const what = `${path} could not be fetched`;
        const isPlain = cause instanceof NoAnswer || cause instanceof StalledError;
        const plain = isPlain ? cause : withoutSecrets(cause, this.#secrets);
        throw new PassingFailure(networkError(this, what, undefined, plain));
      }
    };
    return retrying(once, { ...this.#policy, attempts }, { signal, progress }).catch(
      async (error: unknown) => {
        throw signal?.aborted ? error : await this.#explained(path, error);
      },
    );
  }

  #url(path: string): string {
    return this.#base + path.split('/').map(encodeURIComponent).join('/') + this.#query;
  }

  #endsEarly(path: string, bytes: number): ZoetropeError {
    return modelFormat(`${path} of ${this.name} ends ${bytes} bytes early.`, CUT_SHORT);
  }

  #changed(path: string): ZoetropeError {
    return modelFormat(
      `${path} of ${this.name} is not the file that it was when reading began.`,
      'It was replaced meanwhile: load the model again, from the beginning.',
    );
  }
}

/** A request failed before an answer came. Its `cause` holds no secrets. */
class NoAnswer extends Error {
  readonly #failure: unknown;

  constructor(failure: unknown, secrets: readonly string[]) {
    super('no answer came', { cause: withoutSecrets(failure, secrets) });
    this.#failure = failure;
  }

  /** What `fetch` threw, which may repeat the address: to look at, not to pass on. */
  get failure(): unknown {
    return this.#failure;
  }
}

function part({ start, end }: Range): RequestInit {
  // Past the browser's cache: Chromium's gives parts of the compressed bytes of a file that it has whole and compressed,
  // lets one request for an address wait for the other, and gigabytes would fill it.
  return { headers: { Range: `bytes=${start}-${end - 1}` }, cache: 'no-store' };
}
