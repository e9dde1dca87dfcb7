/**
 * @file A hub on this machine: what huggingface.co answers to `@huggingface/hub` and to readers of files, as far as
 * downloading goes. Large files are redirected to a second server, of another origin, as the hub's are to its CDN; that
 * one lets scripts see only the headers that need no permission, and refuses requests that bring a token.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Fault, Line, sendFile, type ServedFile } from './hub-server-send.ts';

export interface ServedRepository {
  /** `owner/name`. */
  readonly name: string;
  /** Files by path, of each commit by its 40 hex digits. */
  readonly commits: Readonly<Record<string, ReadonlyMap<string, ServedFile>>>;
  /** Commits of branches and tags. */
  readonly revisions: Record<string, string>;
  /** Only for those whose tokens are listed: everybody sees what there is, nobody else gets a file of it. */
  readonly gatedTo?: readonly string[];
  /** For anybody else it is not there. */
  readonly privateTo?: readonly string[];
}

export interface SeenRequest {
  readonly server: 'hub' | 'cdn';
  readonly method: string;
  readonly url: string;
  readonly range: string | undefined;
  readonly authorization: string | undefined;
  readonly origin: string | undefined;
}

export interface HubServer {
  /** Of the hub, without a slash at its end. */
  readonly url: string;
  readonly cdnUrl: string;
  /** In the order in which they came. */
  readonly requests: SeenRequest[];
  /** What goes wrong with a request; set anew at any time. */
  fault: (request: SeenRequest) => Fault | undefined;
  close(): Promise<void>;
}

/** Entries of a listing that come at once: few, so that there are pages. */
const PAGE_ENTRIES = 4;

const EXPOSED =
  'X-Repo-Commit, X-Request-Id, X-Error-Code, X-Error-Message, X-Total-Count, ETag, Link, Accept-Ranges, ' +
  'Content-Range, X-Linked-Size, X-Linked-ETag, X-Xet-Hash';

/** Tokens that the hub knows begin so; any other is refused as invalid. */
const KNOWN_TOKEN = /^Bearer (hf_(?!invalid).*)$/;

/**
 * @param repositories All of them, or one by its name.
 * @param options.bytesPerSecond Of the line that all files of the CDN share; absent: no limit.
 * @param options.cdnExposes Headers that the CDN lets scripts see; absent: none but those that need no permission.
 */
export async function startHubServer(
  repositories: readonly ServedRepository[] | ((name: string) => ServedRepository | undefined),
  options: { bytesPerSecond?: number; cdnExposes?: string } = {},
): Promise<HubServer> {
  const find =
    typeof repositories === 'function'
      ? repositories
      : (name: string) => repositories.find((each) => each.name === name);
  const line = options.bytesPerSecond === undefined ? undefined : new Line(options.bytesPerSecond);
  /** What the hub has sent readers to the CDN for, by hash. */
  const atCdn = new Map<string, ServedFile>();
  const requests: SeenRequest[] = [];
  const state: Pick<HubServer, 'fault'> = { fault: () => undefined };
  const note = (server: 'hub' | 'cdn', request: IncomingMessage): Fault | undefined => {
    const { method = 'GET', url = '/', headers } = request;
    const { range, authorization, origin } = headers;
    const seen = { server, method, url, range, authorization, origin };
    requests.push(seen);
    return method === 'OPTIONS' ? undefined : state.fault(seen);
  };

  const cdn = createServer((request, response) => {
    const fault = note('cdn', request);
    response.setHeader('Access-Control-Allow-Origin', '*');
    if (options.cdnExposes !== undefined) {
      response.setHeader('Access-Control-Expose-Headers', options.cdnExposes);
    }
    if (request.method === 'OPTIONS') {
      response.writeHead(204, { 'Access-Control-Allow-Headers': 'Range' }).end();
    } else if (request.headers.authorization !== undefined) {
      // As S3 does: the signature in the address is one authorization already.
      response.writeHead(400).end('Only one auth mechanism allowed');
    } else {
      const [, key = ''] = /^\/([^?]+)\?signature=1$/.exec(request.url ?? '') ?? [];
      const file = atCdn.get(key);
      const how = { etag: `"cdn-${key}"`, line };
      if (file) void sendFile(file, how, request, response, fault);
      else response.writeHead(403).end();
    }
  });
  const cdnUrl = await listen(cdn);

  const hub = createServer((request, response) => {
    const fault = note('hub', request);
    // Any origin may read, its name is just repeated.
    response.setHeader('Access-Control-Allow-Origin', request.headers.origin ?? '*');
    response.setHeader('Vary', 'Origin');
    response.setHeader('Access-Control-Expose-Headers', EXPOSED);
    if (request.method === 'OPTIONS') {
      response
        .writeHead(204, {
          'Access-Control-Allow-Methods': 'GET, HEAD, POST',
          'Access-Control-Allow-Headers': 'Authorization, Range, Content-Type',
        })
        .end();
      return;
    }
    if (fault?.status !== undefined) {
      response.writeHead(fault.status, fault.headers ?? {}).end(fault.body);
      return;
    }
    answerHub({ find, cdnUrl, atCdn }, request, response, fault);
  });
  const url = await listen(hub);

  return {
    url,
    cdnUrl,
    requests,
    get fault() {
      return state.fault;
    },
    set fault(fault) {
      state.fault = fault;
    },
    async close() {
      await Promise.all(
        [hub, cdn].map((server) => {
          server.closeAllConnections();
          return new Promise((resolve) => server.close(resolve));
        }),
      );
    },
  };
}

async function listen(server: ReturnType<typeof createServer>): Promise<string> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

interface Hub {
  readonly find: (name: string) => ServedRepository | undefined;
  readonly cdnUrl: string;
  readonly atCdn: Map<string, ServedFile>;
}

function answerHub(
  hub: Hub,
  request: IncomingMessage,
  response: ServerResponse,
  fault: Fault | undefined,
): void {
  const url = new URL(request.url ?? '/', `http://${request.headers.host}`);
  const api = /^\/api\/models\/([^/]+\/[^/]+)\/(revision|tree)\/([^/]+)(?:\/(.+))?$/;
  const file = /^\/([^/]+\/[^/]+)\/(resolve)\/([^/]+)\/(.+)$/;
  const [, name, action, coded = '', path = ''] =
    api.exec(url.pathname) ?? file.exec(url.pathname) ?? [];
  const repository = name === undefined ? undefined : hub.find(name);
  const { authorization } = request.headers;
  const [, token] = KNOWN_TOKEN.exec(authorization ?? '') ?? [];
  if (authorization !== undefined && token === undefined) {
    refuse(response, 401, undefined, 'Invalid credentials in Authorization header');
    return;
  }
  const isHidden =
    repository?.privateTo !== undefined && !repository.privateTo.includes(token ?? '');
  if (!repository || isHidden) {
    // Who is not known is not told what there is.
    if (token === undefined) refuse(response, 401, 'RepoNotFound', 'Invalid username or password.');
    else refuse(response, 404, 'RepoNotFound', 'Repository not found');
    return;
  }
  const revision = decodeURIComponent(coded);
  const commit =
    revision in repository.commits
      ? revision
      : repository.revisions[revision === 'HEAD' ? 'main' : revision];
  const files = commit === undefined ? undefined : repository.commits[commit];
  if (commit === undefined || !files) {
    refuse(response, 404, 'RevisionNotFound', `Invalid rev id: ${revision}`);
    return;
  }
  if (action === 'revision') {
    const { gatedTo, privateTo } = repository;
    json(response, {
      _id: '0123456789abcdef01234567',
      id: repository.name,
      sha: commit,
      private: privateTo !== undefined,
      gated: gatedTo === undefined ? false : 'auto',
      downloads: 0,
      likes: 0,
      lastModified: '2025-01-01T00:00:00.000Z',
    });
  } else if (action === 'tree') {
    listTree(files, decodeURIComponent(path), url, response);
  } else if (repository.gatedTo && !repository.gatedTo.includes(token ?? '')) {
    const what = `Access to model ${repository.name} is restricted.`;
    refuse(response, token === undefined ? 401 : 403, 'GatedRepo', what);
  } else {
    response.setHeader('X-Repo-Commit', commit);
    resolveFile(files.get(decodeURIComponent(path)), hub, request, response, fault);
  }
}

/** In pages, whose next the `Link` header names. */
function listTree(
  files: ReadonlyMap<string, ServedFile>,
  folder: string,
  url: URL,
  response: ServerResponse,
): void {
  const inside = [...files].filter(([path]) => folder === '' || path.startsWith(`${folder}/`));
  const folders = new Set(
    inside.flatMap(([path]) =>
      path
        .split('/')
        .slice(0, -1)
        .map((_, i, parts) => parts.slice(0, i + 1).join('/')),
    ),
  );
  const entries = [
    ...[...folders].map((path) => ({ type: 'directory', oid: '0'.repeat(40), size: 0, path })),
    ...inside.map(([path, { size, oid, isLarge }]) => ({
      type: 'file',
      oid: oid.slice(0, 40),
      size,
      path,
      ...(isLarge ? { lfs: { oid, size, pointerSize: 135 } } : {}),
    })),
  ].sort((a, b) => (a.path < b.path ? -1 : 1));
  const from = Number(url.searchParams.get('cursor') ?? 0);
  if (from + PAGE_ENTRIES < entries.length) {
    const next = new URL(url);
    next.searchParams.set('cursor', String(from + PAGE_ENTRIES));
    response.setHeader('Link', `<${next.href}>; rel="next"`);
  }
  json(response, entries.slice(from, from + PAGE_ENTRIES));
}

function resolveFile(
  file: ServedFile | undefined,
  { cdnUrl, atCdn }: Hub,
  request: IncomingMessage,
  response: ServerResponse,
  fault: Fault | undefined,
): void {
  if (!file) {
    refuse(response, 404, 'EntryNotFound', 'Entry not found');
  } else if (file.isLarge) {
    atCdn.set(file.oid, file);
    response.setHeader('X-Linked-Size', file.size);
    response.setHeader('X-Linked-ETag', `"${file.oid}"`);
    response.writeHead(302, { Location: `${cdnUrl}/${file.oid}?signature=1` }).end();
  } else {
    void sendFile(file, { etag: `"${file.oid}"` }, request, response, fault);
  }
}

function refuse(
  response: ServerResponse,
  status: number,
  code: string | undefined,
  error: string,
): void {
  if (code !== undefined) response.setHeader('X-Error-Code', code);
  response.setHeader('X-Error-Message', error);
  response.writeHead(status, { 'Content-Type': 'application/json' });
  response.end(JSON.stringify({ error }));
}

function json(response: ServerResponse, value: unknown): void {
  response.writeHead(200, { 'Content-Type': 'application/json; charset=utf-8' });
  response.end(JSON.stringify(value));
}
