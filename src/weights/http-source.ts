/** @file A checkpoint behind a base URL, read by HTTP ranges. */
import { isAbortError, modelFormat, ZoetropeError } from '../errors.ts';
import { type FileSource, missingFile, type ReadOptions } from './source.ts';

export interface HttpSourceOptions {
  /** Stands in for the global `fetch`. */
  readonly fetch?: typeof fetch | undefined;
  /** For messages and records; default: the URL without its query. */
  readonly name?: string;
  /** Lengths in bytes that are known already, by path. */
  readonly sizes?: ReadonlyMap<string, number>;
  /** What an answer that is not `ok` means here, if it means anything of its own. */
  readonly explain?: (response: Response) => Error | undefined;
}

export class HttpSource implements FileSource {
  readonly name: string;
  readonly #base: string;
  readonly #query: string;
  readonly #fetch: typeof fetch;
  readonly #explain: HttpSourceOptions['explain'];
  readonly #sizes: Map<string, number>;
  readonly #revisions = new Map<string, string | undefined>();

  /**
   * @param base URL of the folder; a query is sent with every request.
   */
  constructor(base: string, options: HttpSourceOptions = {}) {
    const [folder = '', query] = base.split('?');
    this.#base = folder.endsWith('/') ? folder : `${folder}/`;
    this.#query = query === undefined ? '' : `?${query}`;
    // A query may be a signature: no business of messages and records.
    this.name = options.name ?? folder;
    this.#fetch = options.fetch ?? globalThis.fetch.bind(globalThis);
    this.#explain = options.explain;
    this.#sizes = new Map(options.sizes);
  }

  async readText(path: string, options?: ReadOptions): Promise<string> {
    const response = await this.#request(path, {}, options);
    if (looksLikePage(response)) throw missingFile(this, path);
    const bytes = await response.arrayBuffer();
    options?.onBytes?.(bytes.byteLength);
    return new TextDecoder().decode(bytes);
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
    const known = this.#sizes.get(path);
    if (known !== undefined) return known;
    // One byte by range rather than HEAD: servers that compress or redirect tell the length only here.
    const response = await this.#request(path, { Range: 'bytes=0-0' }, options);
    if (looksLikePage(response)) throw missingFile(this, path);
    const total = /\/(\d+)$/.exec(response.headers.get('Content-Range') ?? '')?.[1];
    // Read, even if only to be dropped: a cancelled body shows up as a failed request.
    const { byteLength } = await response.arrayBuffer();
    const size = response.status === 206 && total !== undefined ? Number(total) : byteLength;
    this.#sizes.set(path, size);
    const mark = response.headers.get('ETag') ?? response.headers.get('Last-Modified');
    this.#revisions.set(path, mark === null ? undefined : `${mark} ${size}`);
    return size;
  }

  async revision(path: string, options?: ReadOptions): Promise<string | undefined> {
    await this.size(path, options);
    return this.#revisions.get(path);
  }

  async read(
    path: string,
    start: number,
    end: number,
    options?: ReadOptions,
  ): Promise<Uint8Array<ArrayBuffer>> {
    const response = await this.#request(path, { Range: `bytes=${start}-${end - 1}` }, options);
    const bytes = new Uint8Array(end - start);
    // A server that ignores Range sends the whole file: the part before `start` is read past.
    const skip = response.status === 206 ? 0 : start;
    const received = await this.#readInto(bytes, response, skip, options);
    if (received < bytes.byteLength) {
      throw modelFormat(
        `${path} of ${this.name} ends ${bytes.byteLength - received} bytes early.`,
        'The file was cut short while it was copied or downloaded: fetch it again.',
      );
    }
    return bytes;
  }

  async #readInto(
    target: Uint8Array<ArrayBuffer>,
    response: Response,
    skip: number,
    options: ReadOptions | undefined,
  ): Promise<number> {
    if (!response.body) return 0;
    let position = -skip;
    let isDone = false;
    const reader = response.body.getReader();
    try {
      while (!isDone && position < target.byteLength) {
        const { done, value } = await reader.read();
        isDone = done;
        if (!value) break;
        const from = Math.max(0, -position);
        const to = Math.min(value.byteLength, target.byteLength - position);
        if (to > from) {
          target.set(value.subarray(from, to), position + from);
          options?.onBytes?.(to - from);
        }
        position += value.byteLength;
      }
    } catch (cause) {
      // Whatever the reason that the caller gave, it is the caller's.
      if (options?.signal?.aborted || isAbortError(cause)) throw cause;
      throw this.#unreachable('the connection broke', cause);
    } finally {
      // The rest of a whole file, where a part was asked for; a part ends by itself.
      if (response.status !== 206) await reader.cancel().catch(() => undefined);
    }
    return Math.max(0, Math.min(position, target.byteLength));
  }

  async #request(
    path: string,
    headers: Record<string, string>,
    options: ReadOptions | undefined,
  ): Promise<Response> {
    let response: Response;
    try {
      const signal = options?.signal;
      response = await this.#fetch(this.#base + path + this.#query, {
        headers,
        ...(signal ? { signal } : {}),
      });
    } catch (cause) {
      if (options?.signal?.aborted || isAbortError(cause)) throw cause;
      throw this.#unreachable(`${path} could not be fetched`, cause);
    }
    const refusal = response.ok ? undefined : this.#explain?.(response);
    if (refusal) throw refusal;
    if (response.status === 404 || response.status === 410) throw missingFile(this, path);
    if (response.status === 416) {
      throw modelFormat(
        `${path} of ${this.name} is shorter than it should be.`,
        'The file was cut short while it was copied or downloaded: fetch it again.',
      );
    }
    if (!response.ok) throw this.#unreachable(`${path}: HTTP status ${response.status}`);
    return response;
  }

  #unreachable(what: string, cause?: unknown): ZoetropeError {
    return new ZoetropeError(
      'network',
      `${this.name}: ${what}.`,
      'Check the connection and try again.',
      { cause },
    );
  }
}

/** Development servers answer a missing path with the application's own page. */
function looksLikePage(response: Response): boolean {
  return response.headers.get('Content-Type')?.startsWith('text/html') ?? false;
}
