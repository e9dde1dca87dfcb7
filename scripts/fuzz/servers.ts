/** @file A server whose first answers are wrong in status, headers or length, and whose later ones may be right. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { HttpSource } from '../../src/weights/http-source.ts';
import { readJson } from '../../src/weights/source.ts';
import type { Random } from './random.ts';
import { type Target, WrongResult } from './target.ts';

const CONFIG = new TextEncoder().encode(
  JSON.stringify({ _class_name: 'WanPipeline', list: [1, 2] }),
);
const DATA = Uint8Array.from({ length: 70_000 }, (_, i) => (i * 31) % 251);
const FILES: ReadonlyMap<string, Uint8Array> = new Map([
  ['/config.json', CONFIG],
  ['/data.safetensors', DATA],
]);

/** Short, so that a case that waits for its end is over within its time. */
const QUICK = { attempts: 3, firstWaitMs: 1, longestWaitMs: 5, patienceMs: 200, stallMs: 60 };

/** How one answer departs from the right one. */
interface Answer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly without?: readonly string[];
  /** Thousandths of the body that come. */
  readonly cut?: number;
  /** Bytes that come on top. */
  readonly extra?: number;
  readonly end?: 'stall' | 'drop';
  readonly ignoresRange?: boolean;
}

const STATUSES =
  '200 204 206 206 206 301 304 307 400 401 403 404 408 410 416 418 429 500 502 503 504 511 599'
    .split(' ')
    .map(Number);

const NUMBERS = [
  '0',
  '-1',
  '1',
  '70000',
  '70001',
  '1e9',
  '99999999999999999999',
  '9'.repeat(400),
  '',
];

function randomAnswer(random: Random): Answer {
  const headers: Record<string, string> = {};
  const number = (): string => random.pick(NUMBERS);
  if (random.chance(40)) {
    headers['Content-Range'] = random.pick([
      `bytes ${number()}-${number()}/${number()}`,
      `bytes 0-0/${number()}`,
      'bytes */70000',
      'bytes 0-0/*',
      'items 0-1/2',
      '',
    ]);
  }
  if (random.chance(15))
    headers['ETag'] = random.pick(['"a"', 'W/"b"', '', '"c-gzip"', '🔴'].slice(0, 4));
  if (random.chance(15)) {
    headers['Content-Type'] = random.pick([
      'text/html',
      'multipart/byteranges',
      'application/json',
      '',
    ]);
  }
  if (random.chance(10)) {
    headers['Content-Encoding'] = random.pick(['gzip', 'br', 'identity', 'zstd', 'made-up']);
  }
  if (random.chance(10)) {
    headers['Retry-After'] = random.pick([
      '0',
      '1',
      '99999',
      'soon',
      'Thu, 01 Jan 1970 00:00:00 GMT',
    ]);
  }
  if (random.chance(5))
    headers['Location'] = random.pick(['/config.json', 'http://127.0.0.1:1/', '::', '/loop']);
  return {
    ...(random.chance(50) ? { status: random.pick(STATUSES) } : {}),
    headers,
    ...(random.chance(10) ? { without: ['Content-Range', 'ETag'] } : {}),
    ...(random.chance(25) ? { cut: random.below(1000) } : {}),
    ...(random.chance(10) ? { extra: random.pick([1, 1000]) } : {}),
    ...(random.chance(15) ? { end: random.pick(['stall', 'drop'] as const) } : {}),
    ...(random.chance(15) ? { ignoresRange: true } : {}),
  };
}

let server: Server | undefined;
let answers: Answer[] = [];
let isWrongForever = false;

async function address(): Promise<string> {
  if (!server) {
    server = createServer(answer);
    // Node's own limits, by which connections would wait for each other.
    server.keepAliveTimeout = 1;
    await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
  }
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function answer(request: IncomingMessage, response: ServerResponse): void {
  const wrong = (isWrongForever ? answers[0] : answers.shift()) ?? {};
  const file = FILES.get(request.url ?? '');
  if (!file) {
    response.writeHead(404).end();
    return;
  }
  const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? [];
  const isPart = first !== undefined && wrong.ignoresRange !== true;
  const start = isPart ? Number(first) : 0;
  const end = isPart ? Math.min(file.length, Number(last) + 1) : file.length;
  const headers: Record<string, string> = {
    ETag: '"right"',
    ...(isPart ? { 'Content-Range': `bytes ${start}-${end - 1}/${file.length}` } : {}),
  };
  for (const name of wrong.without ?? []) delete headers[name];
  Object.assign(headers, wrong.headers);
  const status = wrong.status ?? (isPart ? 206 : 200);
  const whole = file.subarray(start, end);
  const kept =
    wrong.cut === undefined ? whole.length : Math.floor((whole.length * wrong.cut) / 1000);
  const body = Buffer.concat([whole.subarray(0, kept), new Uint8Array(wrong.extra ?? 0)]);
  response.writeHead(status, headers);
  if (request.method === 'HEAD' || status === 204 || status === 304) response.end();
  else if (wrong.end === undefined) response.end(body);
  else {
    response.write(body, () => {
      if (wrong.end === 'drop') response.destroy();
    });
  }
}

export const servers: Target = {
  name: 'servers',
  about: 'wrong statuses, headers, ranges and bodies of a local HTTP server',
  generate: (random) => ({
    answers: Array.from({ length: random.pick([1, 1, 2, 3]) }, () => randomAnswer(random)),
    forever: random.chance(25),
    start: random.pick([0, 1, 65_000]),
    length: random.pick([1, 8, 5000, 69_999]),
  }),
  async run(input) {
    const base = await address();
    answers = [...(input['answers'] as readonly Answer[])];
    isWrongForever = input['forever'] === true;
    const source = new HttpSource(base, { retry: QUICK });
    const start = Number(input['start']);
    const end = Math.min(DATA.length, start + Number(input['length']));
    try {
      const size = await source.size('data.safetensors');
      if (!Number.isSafeInteger(size) || size < 0) throw new WrongResult(`a file of ${size} bytes`);
      const bytes = await source.read('data.safetensors', start, end);
      if (bytes.length !== end - start) throw new WrongResult(`${bytes.length} bytes`);
      await readJson(source, 'config.json');
    } finally {
      server?.closeAllConnections();
    }
  },
  async close() {
    server?.closeAllConnections();
    await new Promise((resolve) => (server ? server.close(resolve) : resolve(undefined)));
    server = undefined;
  },
};
