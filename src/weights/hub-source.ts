/**
 * @file A checkpoint in a repository of the Hugging Face hub. The revision becomes a commit once, before anything else,
 * so that all files are of one commit even if the branch moves on. What the hub's listing says of a file (length,
 * SHA-256) is taken from there; its bytes come by ranges, through the same reader as those of any URL.
 */
import { modelFormat, ZoetropeError } from '../errors.ts';
import { contentHash } from './content-hash.ts';
import { FileMismatch, refetching } from './file-mismatch.ts';
import { failureOf, looksLikePage, networkError } from './http-answer.ts';
import { PassingFailure, RETRY_POLICY, retrying, type RetryPolicy } from './http-retry.ts';
import { hubFailure } from './hub-failure.ts';
import { checkHubUrl, checkToken, hubFetch } from './hub-fetch.ts';
import { HttpSource } from './http-source.ts';
import { HUB_URL, type HubReference } from './reference.ts';
import { type FileSource, missingFile, pathIn, type ReadOptions } from './source.ts';
import { whyUnreachable } from './unreachable.ts';

interface HubFile {
  readonly size: number;
  /** Of its contents: the same file at another commit, or in another repository, has the same. */
  readonly mark: string;
}

interface Snapshot {
  readonly commit: string;
  readonly files: ReadonlyMap<string, HubFile>;
  readonly reader: HttpSource;
}

/** More than any model has: a listing that goes on is a server gone mad. */
const MAX_FILES = 50_000;

export interface HubOptions {
  readonly token?: string | undefined;
  readonly hubUrl?: string | undefined;
  readonly fetch?: typeof fetch | undefined;
  readonly retry?: Partial<RetryPolicy>;
}

export class HubSource implements FileSource {
  readonly name: string;
  readonly #reference: Omit<HubReference, 'kind'>;
  readonly #hubUrl: string;
  readonly #token: string | undefined;
  readonly #fetch: typeof fetch;
  /** Sends no token. */
  readonly #plainFetch: typeof fetch | undefined;
  readonly #policy: RetryPolicy;
  #snapshot: Promise<Snapshot> | undefined;

  /** @throws ZoetropeError `invalid-argument` if the token or the hub's address cannot be one. */
  constructor(reference: Omit<HubReference, 'kind'>, options: HubOptions = {}) {
    const { repository, path } = reference;
    // Not the revision: what is stored is known by its contents, whichever commit it was asked for at.
    this.name = path === '' ? repository : `${repository}/${path}`;
    this.#reference = reference;
    this.#hubUrl = checkHubUrl(options.hubUrl ?? HUB_URL);
    this.#token = options.token === undefined ? undefined : checkToken(options.token);
    this.#policy = { ...RETRY_POLICY, ...options.retry };
    this.#plainFetch = options.fetch;
    this.#fetch = hubFetch(this.#hubUrl, this.#token, options.fetch);
  }

  /** @throws ZoetropeError `network` if the file is, twice, not the one that the hub lists. */
  async readText(path: string, options?: ReadOptions): Promise<string> {
    const { reader, file } = await this.#find(path, options);
    let cache: RequestCache = 'default';
    return refetching(async () => {
      const bytes = await reader.readWhole(path, cache, options);
      // The browser's cache may hold what arrived damaged.
      cache = 'reload';
      await this.#compare(path, file, bytes);
      options?.onBytes?.(bytes.byteLength);
      return new TextDecoder().decode(bytes);
    });
  }

  async #compare(path: string, { size, mark }: HubFile, bytes: Uint8Array): Promise<void> {
    const hash = await contentHash(mark, size);
    await hash?.update(bytes);
    const actual = (await hash?.mark()) ?? mark;
    if (actual !== mark) throw new FileMismatch(this.name, path, mark, actual);
  }

  async exists(path: string, options?: ReadOptions): Promise<boolean> {
    return (await this.#open(options)).files.has(path);
  }

  async list(options?: ReadOptions): Promise<readonly string[]> {
    return [...(await this.#open(options)).files.keys()];
  }

  async size(path: string, options?: ReadOptions): Promise<number> {
    return (await this.#find(path, options)).file.size;
  }

  async revision(path: string, options?: ReadOptions): Promise<string> {
    return (await this.#find(path, options)).file.mark;
  }

  async read(
    path: string,
    start: number,
    end: number,
    options?: ReadOptions,
  ): Promise<Uint8Array<ArrayBuffer>> {
    const { reader } = await this.#find(path, options);
    return reader.read(path, start, end, options);
  }

  forget(path: string): void {
    // Settled, or nothing was read: the next read waits for the same snapshot, and comes later.
    void this.#snapshot?.then(({ reader }) => reader.forget(path)).catch(() => undefined);
  }

  /** The commit that all files are of, 40 hex digits. */
  async commit(options?: ReadOptions): Promise<string> {
    return (await this.#open(options)).commit;
  }

  async #find(path: string, options?: ReadOptions): Promise<Snapshot & { file: HubFile }> {
    const snapshot = await this.#open(options);
    const file = snapshot.files.get(path);
    if (!file) throw missingFile(this, path);
    return { ...snapshot, file };
  }

  /** Once; a failure is not remembered. */
  #open(options: ReadOptions | undefined): Promise<Snapshot> {
    if (this.#snapshot) return this.#snapshot;
    const signal = options?.signal;
    const opening = this.#resolve(signal).catch((cause: unknown) => {
      if (cause instanceof ZoetropeError || signal?.aborted) throw cause;
      throw this.#unreachable(cause);
    });
    this.#snapshot = opening;
    opening.catch(() => {
      if (this.#snapshot === opening) this.#snapshot = undefined;
    });
    return opening;
  }

  async #resolve(signal: AbortSignal | undefined): Promise<Snapshot> {
    // Loaded where it is wanted: a model beside the page needs none of it.
    const { listFiles, modelInfo } = await import('@huggingface/hub');
    const { repository, revision, path } = this.#reference;
    const hub = { hubUrl: this.#hubUrl, fetch: this.#asking(signal) };
    const asked = revision === undefined ? {} : { revision };
    const { sha } = await modelInfo({
      name: repository,
      ...hub,
      ...asked,
      additionalFields: ['sha'],
    });
    if (typeof sha !== 'string' || !/^[0-9a-f]{40}$/.test(sha)) throw this.#nonsense('no commit');
    const files = new Map<string, HubFile>();
    const folder = pathIn(path, '');
    const listing = { repo: repository, revision: sha, recursive: true, ...hub };
    for await (const entry of listFiles(path === '' ? listing : { ...listing, path })) {
      if (files.size >= MAX_FILES) throw this.#nonsense(`more than ${MAX_FILES} files`);
      if (entry.type !== 'file' || !entry.path.startsWith(folder)) continue;
      const { lfs, oid } = entry;
      const size = lfs?.size ?? entry.size;
      const mark = lfs === undefined ? `git:${oid}` : `sha256:${lfs.oid}`;
      if (!Number.isSafeInteger(size) || size < 0 || !/^(git|sha256):[0-9a-f]{40,64}$/.test(mark)) {
        throw this.#nonsense(`no length or hash for ${entry.path}`);
      }
      files.set(entry.path.slice(folder.length), { size, mark });
    }
    const reader = new HttpSource(`${this.#hubUrl}/${repository}/resolve/${sha}/${folder}`, {
      name: this.name,
      fetch: this.#fetch,
      sizes: new Map([...files].map(([file, { size }]) => [file, size])),
      explain: (response) => this.#explain(response),
      retry: this.#policy,
    });
    return { commit: sha, files, reader };
  }

  /** For the library, which knows neither signals nor patience nor what an answer of the hub means for the user. */
  #asking(signal: AbortSignal | undefined): typeof fetch {
    const ask = async (...[input, init]: Parameters<typeof fetch>): Promise<Response> => {
      const timeout = AbortSignal.timeout(this.#policy.stallMs);
      let response: Response;
      try {
        const either = signal ? AbortSignal.any([signal, timeout]) : timeout;
        response = await this.#fetch(input, { ...init, signal: either });
      } catch (cause) {
        if (signal?.aborted) throw signal.reason;
        throw new PassingFailure(this.#unreachable(cause));
      }
      if (response.ok && looksLikePage(response)) throw this.#page();
      if (response.ok) return response;
      throw this.#explain(response) ?? failureOf(response, this, 'its files');
    };
    return (...args) =>
      retrying(() => ask(...args), this.#policy, { signal }).catch(async (error: unknown) => {
        throw signal?.aborted ? error : await this.#explained(error);
      });
  }

  /** What was the matter, once no try brought an answer. */
  async #explained(error: unknown): Promise<unknown> {
    if (!(error instanceof ZoetropeError) || !(error.cause instanceof TypeError)) return error;
    const { reason, hint } = await whyUnreachable(this.#hubUrl, error.cause, this.#plainFetch);
    const what = `${this.#hubUrl} could not be reached: ${reason}`;
    return networkError(this, what, hint, error.cause);
  }

  #page(): ZoetropeError {
    return networkError(
      this,
      `${this.#hubUrl} answers with a web page in place of its list of files`,
      'A network that wants a login, or a proxy, may be in between: open the address in a browser tab to see.',
    );
  }

  #unreachable(cause: unknown): ZoetropeError {
    return networkError(this, `${this.#hubUrl} could not be reached`, undefined, cause);
  }

  #explain(response: Response): Error | undefined {
    const hasToken = this.#token !== undefined;
    return hubFailure(response, this.#reference, { hubUrl: this.#hubUrl, hasToken });
  }

  #nonsense(what: string): Error {
    return modelFormat(
      `${this.#hubUrl} gives ${what} for ${this.name}.`,
      'Is this a Hugging Face hub? Try again later, or name the folder by its https:// address.',
    );
  }
}
