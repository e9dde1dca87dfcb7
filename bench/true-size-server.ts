/**
 * @file Serves a checkpoint of gigabytes that is nowhere: bytes are computed from their offsets, the same ones each time.
 * Like a hub it answers ranges with ETags, from another origin than the page's.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { parseRange } from '../scripts/file-handler.mjs';
import { elementCount } from '../src/graph/types.ts';
import { randn } from '../src/pipeline/noise.ts';
import { distribution } from './random-weights.ts';
import { checkpointTensors, publishedConfig } from './true-size-model.ts';

const BFLOAT16_BYTES = 2;
/** A prime, so that rows of a matrix do not repeat. */
const BLOCK_LENGTH = 524_287;
const HEADERS = {
  'Access-Control-Allow-Origin': '*',
  'Access-Control-Allow-Headers': 'Range',
  'Access-Control-Expose-Headers': 'Content-Range, ETag',
  'Cross-Origin-Resource-Policy': 'cross-origin',
  'Accept-Ranges': 'bytes',
};

interface Stretch {
  readonly start: number;
  readonly end: number;
  /** Repeated from `start` on. */
  readonly pattern: Uint8Array;
}

interface VirtualFile {
  readonly size: number;
  readonly stretches: readonly Stretch[];
}

/** The number of layers is part of the path: `/layers-30/transformer/…`. */
export async function serveTrueSize(): Promise<{ url: string; close: () => Promise<void> }> {
  const files = new Map<string, VirtualFile>();
  const server = createServer((request, response) => answer(files, request, response));
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The server has no port.');
  return {
    url: `http://127.0.0.1:${address.port}/`,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function answer(
  files: Map<string, VirtualFile>,
  { url = '/', method, headers }: IncomingMessage,
  response: ServerResponse,
): void {
  for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value);
  const match = /^\/layers-(\d+)\/transformer\/(config\.json|\w+\.safetensors)$/.exec(url);
  const [, layers = '', name = ''] = match ?? [];
  const isKnown = name === 'config.json' || name === 'diffusion_pytorch_model.safetensors';
  if (method === 'OPTIONS' || !isKnown) {
    response.writeHead(method === 'OPTIONS' ? 204 : 404).end();
    return;
  }
  let file = files.get(url);
  if (!file) {
    file = name === 'config.json' ? configFile(Number(layers)) : weightsFile(Number(layers));
    files.set(url, file);
  }
  send(file, headers.range, response);
}

function send({ size, stretches }: VirtualFile, wanted: string | undefined, to: ServerResponse) {
  const range = parseRange(wanted, size);
  to.setHeader('ETag', `"true-size-${size}"`);
  if (range === 'unsatisfiable') {
    to.writeHead(416, { 'Content-Range': `bytes */${size}` }).end();
    return;
  }
  const { start, end } = range ?? { start: 0, end: size - 1 };
  if (range) to.setHeader('Content-Range', `bytes ${start}-${end}/${size}`);
  to.writeHead(range ? 206 : 200, { 'Content-Length': end - start + 1 });
  for (const stretch of stretches) {
    const from = Math.max(start, stretch.start);
    const until = Math.min(end + 1, stretch.end);
    for (let at = from; at < until;) {
      const phase = (at - stretch.start) % stretch.pattern.byteLength;
      const piece = stretch.pattern.subarray(phase, phase + until - at);
      to.write(piece);
      at += piece.byteLength;
    }
  }
  to.end();
}

function configFile(layers: number): VirtualFile {
  const pattern = new TextEncoder().encode(JSON.stringify(publishedConfig(layers)));
  return {
    size: pattern.byteLength,
    stretches: [{ start: 0, end: pattern.byteLength, pattern }],
  };
}

/** A safetensors file whose header alone is real. */
function weightsFile(layers: number): VirtualFile {
  const header: Record<string, unknown> = {};
  const data: { from: number; to: number; pattern: Uint8Array }[] = [];
  const patterns = new Map<string, Uint8Array>();
  const noise = randn(BLOCK_LENGTH, 1);
  let at = 0;
  for (const { name, shape } of checkpointTensors(layers)) {
    const end = at + elementCount(shape) * BFLOAT16_BYTES;
    header[name] = { dtype: 'BF16', shape, data_offsets: [at, end] };
    const { mean, deviation } = distribution(name, shape);
    const key = `${mean} ${deviation}`;
    const pattern = patterns.get(key) ?? bfloat16(noise, mean, deviation);
    patterns.set(key, pattern);
    data.push({ from: at, to: end, pattern });
    at = end;
  }
  const json = JSON.stringify(header);
  // Data starts at a multiple of eight, as the reference implementation writes it.
  const text = new TextEncoder().encode(json.padEnd(Math.ceil(json.length / 8) * 8));
  const head = new Uint8Array(8 + text.byteLength);
  new DataView(head.buffer).setBigUint64(0, BigInt(text.byteLength), true);
  head.set(text, 8);
  const start = head.byteLength;
  return {
    size: start + at,
    stretches: [
      { start: 0, end: start, pattern: head },
      ...data.map(({ from, to, pattern }) => ({ start: start + from, end: start + to, pattern })),
    ],
  };
}

function bfloat16(noise: Float32Array, mean: number, deviation: number): Uint8Array {
  const words = new Uint32Array(noise.map((value) => mean + deviation * value).buffer);
  return new Uint8Array(Uint16Array.from(words, (word) => word >>> 16).buffer);
}
