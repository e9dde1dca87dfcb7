/**
 * @file Serves a folder by HTTP with byte ranges. One handler for the development server, the preview and the
 * headless command, so that weights are read the same way everywhere.
 */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { extname, join, resolve, sep } from 'node:path';
import { CONTENT_SECURITY_POLICY } from './page-policy.mjs';

/** The first two let the page use shared memory, and with it WebAssembly threads. */
export const ISOLATION_HEADERS = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
  // Pages of other origins get nothing: files of this machine are read here.
  'Cross-Origin-Resource-Policy': 'same-origin',
};

/** Sent with every file, and by Vite's servers too. */
export const PAGE_HEADERS = {
  ...ISOLATION_HEADERS,
  // For the page, and for its workers, which do not inherit what stands in the page.
  'Content-Security-Policy': CONTENT_SECURITY_POLICY,
  'X-Content-Type-Options': 'nosniff',
};

/** @type {Record<string, string>} */
const TYPES = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.css': 'text/css',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.gif': 'image/gif',
  '.wasm': 'application/wasm',
};

/** @typedef {import('node:http').IncomingMessage} Request */
/** @typedef {import('node:http').ServerResponse} Response */

/**
 * @typedef {object} FolderOptions
 * @property {string} prefix Path under which the folder appears; begins and ends with a slash.
 * @property {string} root The folder.
 * @property {(path: string) => boolean} [allows] Which files of it may be read, by their paths in it; all by default.
 */

/**
 * Answers requests under `prefix` with the folder's files, and all else by `next`. Hidden files are never read, nor is
 * anything outside the folder named; but a file of an allowed name may be a link to elsewhere, as in the hub's own cache.
 * @param {FolderOptions} options
 * @returns {(request: Request, response: Response, next: () => void) => Promise<void>}
 */
export function serveFolder({ prefix, root, allows = () => true }) {
  return async (request, response, next) => {
    const path = requestedPath(request.url ?? '/', prefix);
    if (path === undefined || (request.method !== 'GET' && request.method !== 'HEAD'))
      return next();
    const file = join(root, path.endsWith('/') || path === '' ? `${path}index.html` : path);
    const isInside =
      resolve(file).startsWith(resolve(root) + sep) && !/(?:^|\/)\.|[\\\0]/.test(path);
    const info = isInside && allows(path) ? await stat(file).catch(() => undefined) : undefined;
    if (!info?.isFile()) return next();
    send(request, response, file, info);
  };
}

/**
 * @param {string} url
 * @param {string} prefix
 */
function requestedPath(url, prefix) {
  try {
    const { pathname } = new URL(url, 'http://localhost');
    const path = decodeURIComponent(pathname);
    return path.startsWith(prefix) ? path.slice(prefix.length) : undefined;
  } catch {
    return undefined;
  }
}

/**
 * @param {Request} request
 * @param {Response} response
 * @param {string} file
 * @param {{ size: number, mtimeMs: number }} info
 */
function send(request, response, file, { size, mtimeMs }) {
  const etag = `"${size.toString(36)}-${Math.round(mtimeMs).toString(36)}"`;
  for (const [name, value] of Object.entries(PAGE_HEADERS)) response.setHeader(name, value);
  response.setHeader('Content-Type', TYPES[extname(file)] ?? 'application/octet-stream');
  response.setHeader('Accept-Ranges', 'bytes');
  response.setHeader('Cache-Control', 'no-cache');
  response.setHeader('ETag', etag);
  const { range: wanted, 'if-none-match': known, 'if-range': version = etag } = request.headers;
  if (known === etag) {
    response.writeHead(304).end();
    return;
  }
  // A part of another version would not fit what the reader has of this file.
  const range = version === etag ? parseRange(wanted, size) : undefined;
  if (range === 'unsatisfiable') {
    response.writeHead(416, { 'Content-Range': `bytes */${size}` }).end();
    return;
  }
  if (range) response.setHeader('Content-Range', `bytes ${range.start}-${range.end}/${size}`);
  const { start, end } = range ?? { start: 0, end: size - 1 };
  response.writeHead(range ? 206 : 200, { 'Content-Length': end - start + 1 });
  if (request.method === 'HEAD' || size === 0) {
    response.end();
    return;
  }
  const stream = createReadStream(file, { start, end });
  stream.on('error', () => response.destroy());
  response.on('close', () => stream.destroy());
  stream.pipe(response);
}

/**
 * The inclusive byte range of a `Range` header; `undefined` for the whole file, which is also the right answer to
 * anything but one well-formed range.
 * @param {string | undefined} header
 * @param {number} size
 */
export function parseRange(header, size) {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header ?? '');
  const [, first = '', last = ''] = match ?? [];
  if (first === '' && last === '') return undefined;
  const start = first === '' ? Math.max(0, size - Number(last)) : Number(first);
  const end = first === '' || last === '' ? size - 1 : Math.min(Number(last), size - 1);
  if (first !== '' && last !== '' && Number(last) < Number(first)) return undefined;
  return start < size && end >= start ? { start, end } : /** @type {const} */ ('unsatisfiable');
}
