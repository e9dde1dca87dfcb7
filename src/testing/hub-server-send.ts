/** @file A file over HTTP, by ranges, and all that can go wrong with one. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export interface ServedFile {
  readonly size: number;
  /** SHA-256 of the contents if it is large, else git's SHA-1; in hex. */
  readonly oid: string;
  /** Kept as the hub keeps large files: at the CDN. */
  readonly isLarge: boolean;
  /** Bytes `start … end − 1`, in pieces. */
  readonly bytes: (start: number, end: number) => Iterable<Uint8Array>;
}

/** What goes wrong with one request. */
export interface Fault {
  /** Instead of the file. */
  readonly status?: number;
  readonly body?: string;
  /** Added, in the place of those of the same name. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly ignoresRange?: boolean;
  /** The connection breaks after so many bytes. */
  readonly cutAfter?: number;
  /** Nothing more comes after so many bytes. */
  readonly stallAfter?: number;
  /** The answer ends, as if it were whole, after so many bytes. */
  readonly endAfter?: number;
  /** Another range than was asked for: so many bytes later. */
  readonly shift?: number;
  /** More than was asked for: so many bytes after it. */
  readonly endsLater?: number;
  /** A bit of the file's byte at this position flips on its way. */
  readonly flips?: number;
  /** Wait before the first byte. */
  readonly delayMs?: number;
  readonly bytesPerSecond?: number;
}

/** A line of a certain rate, which all that is sent over it shares. */
export class Line {
  readonly #bytesPerSecond: number;
  /** When what was sent so far will have passed. */
  #freeAt = 0;

  constructor(bytesPerSecond: number) {
    this.#bytesPerSecond = bytesPerSecond;
  }

  async carry(bytes: number): Promise<void> {
    const now = performance.now();
    this.#freeAt = Math.max(now, this.#freeAt) + (1000 * bytes) / this.#bytesPerSecond;
    // Timers are no finer than a millisecond or two, by which several short waits would be too long.
    if (this.#freeAt - now > 5) await sleep(this.#freeAt - now);
  }
}

/** Short enough that a reader that is throttled gets something often. */
const STEP_BYTES = 64 * 1024;

export async function sendFile(
  file: ServedFile,
  { etag, line }: { etag: string; line?: Line | undefined },
  { method, headers }: IncomingMessage,
  response: ServerResponse,
  fault: Fault = {},
): Promise<void> {
  const { size } = file;
  const set = (all: Readonly<Record<string, string | number>>): void => {
    for (const [name, value] of Object.entries(all)) response.setHeader(name, value);
  };
  if (fault.delayMs !== undefined) await sleep(fault.delayMs);
  set({ 'Content-Type': 'application/octet-stream', 'Accept-Ranges': 'bytes', ETag: etag });
  // The one mark of a version that scripts of other origins see unasked.
  set({ 'Last-Modified': 'Wed, 01 Jan 2025 00:00:00 GMT' });
  if (fault.status !== undefined) {
    set(fault.headers ?? {});
    response.writeHead(fault.status).end(fault.body);
    return;
  }
  const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(headers.range ?? '') ?? [];
  const isPart = from !== undefined && fault.ignoresRange !== true;
  let [start, end] = isPart ? [Number(from), Math.min(Number(to) + 1, size)] : [0, size];
  if (start >= size && isPart) {
    response.writeHead(416, { 'Content-Range': `bytes */${size}` }).end();
    return;
  }
  start += fault.shift ?? 0;
  end += (fault.shift ?? 0) + (fault.endsLater ?? 0);
  end = Math.min(size, end, start + (fault.endAfter ?? size));
  if (isPart) set({ 'Content-Range': `bytes ${start}-${end - 1}/${size}` });
  set({ 'Content-Length': end - start, ...fault.headers });
  response.writeHead(isPart ? 206 : 200);
  if (method === 'HEAD') response.end();
  else await sendBytes(flipped(file.bytes(start, end), start, fault), response, fault, line);
}

function* flipped(
  pieces: Iterable<Uint8Array>,
  start: number,
  { flips = Number.NaN }: Fault,
): Iterable<Uint8Array> {
  let at = start;
  for (const piece of pieces) {
    const isIn = flips >= at && flips < at + piece.byteLength;
    // The file itself stays as it is.
    yield isIn ? piece.map((byte, i) => (at + i === flips ? byte ^ 1 : byte)) : piece;
    at += piece.byteLength;
  }
}

async function sendBytes(
  pieces: Iterable<Uint8Array>,
  response: ServerResponse,
  { cutAfter, stallAfter, bytesPerSecond }: Fault,
  line = bytesPerSecond === undefined ? undefined : new Line(bytesPerSecond),
): Promise<void> {
  const limit = cutAfter ?? stallAfter ?? Number.POSITIVE_INFINITY;
  let sent = 0;
  response.flushHeaders();
  for (const piece of pieces) {
    const step = line ? STEP_BYTES : piece.byteLength;
    for (let at = 0; at < piece.byteLength && sent < limit; at += step) {
      const part = piece.subarray(at, Math.min(at + step, at + limit - sent));
      sent += part.byteLength;
      if (!response.write(part)) await drained(response);
      if (response.destroyed) return;
      await line?.carry(part.byteLength);
    }
    if (sent >= limit) break;
  }
  if (cutAfter !== undefined) {
    // What was written is to arrive first.
    await sleep(20);
    response.destroy();
  } else if (stallAfter === undefined) response.end();
}

/** Or closed. */
async function drained(response: ServerResponse): Promise<void> {
  const events = new AbortController();
  const { signal } = events;
  await Promise.race([once(response, 'drain', { signal }), once(response, 'close', { signal })]);
  events.abort();
}

/** The files of a folder on disk, by path, as a repository has them. */
export async function folderFiles(folder: string): Promise<Map<string, ServedFile>> {
  const files = new Map<string, ServedFile>();
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  for (const entry of entries.filter((each) => each.isFile())) {
    const full = join(entry.parentPath, entry.name);
    files.set(full.slice(join(folder, '/').length), servedBytes(await readFile(full), entry.name));
  }
  return files;
}

export function servedBytes(bytes: Uint8Array, name: string): ServedFile {
  const isLarge = name.endsWith('.safetensors');
  const hash = isLarge
    ? createHash('sha256')
    : createHash('sha1').update(`blob ${bytes.byteLength}\0`);
  return {
    size: bytes.byteLength,
    oid: hash.update(bytes).digest('hex'),
    isLarge,
    bytes: (start, end) => [bytes.subarray(start, end)],
  };
}
