/**
 * @file Serves a checkpoint of true size and random weights. Like a hub it answers ranges with ETags, from another origin
 * than the page's. The number of layers is part of the path: `/layers-30/transformer/config.json`.
 */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { parseRange } from '../scripts/file-handler.mjs';
import { bytesOf, type MadeUpFile } from './made-up-file.ts';
import { madeUpWan } from './made-up-wan.ts';

const HEADERS = {
  'Access-Control-Allow-Origin': '*',
  'Access-Control-Allow-Headers': 'Range',
  'Access-Control-Expose-Headers': 'Content-Range, ETag',
  'Cross-Origin-Resource-Policy': 'cross-origin',
  'Accept-Ranges': 'bytes',
};

export async function serveMadeUp(): Promise<{ url: string; close: () => Promise<void> }> {
  const models = new Map<number, ReadonlyMap<string, MadeUpFile>>();
  const server = createServer((request, response) => {
    void answer(models, request, response).catch((error: unknown) =>
      response.destroy(error instanceof Error ? error : undefined),
    );
  });
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

async function answer(
  models: Map<number, ReadonlyMap<string, MadeUpFile>>,
  { url = '/', method, headers }: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value);
  const [, layers, path = ''] = /^\/layers-(\d+)\/(.+)$/.exec(url) ?? [];
  const file = layers === undefined ? undefined : modelOf(models, Number(layers)).get(path);
  if (method === 'OPTIONS' || !file) {
    response.writeHead(method === 'OPTIONS' ? 204 : 404).end();
    return;
  }
  await send(file, headers.range, response);
}

function modelOf(
  models: Map<number, ReadonlyMap<string, MadeUpFile>>,
  layers: number,
): ReadonlyMap<string, MadeUpFile> {
  let model = models.get(layers);
  if (!model) {
    model = madeUpWan({ layers, tokenizer: bundledTokenizer() });
    models.set(layers, model);
  }
  return model;
}

/** Contents by file name. */
function bundledTokenizer(): Record<string, string> {
  const names = ['tokenizer.json', 'tokenizer_config.json'];
  return Object.fromEntries(
    names.map((name) => [name, readFileSync(`models/pocket/tokenizer/${name}`, 'utf8')]),
  );
}

async function send(file: MadeUpFile, wanted: string | undefined, to: ServerResponse) {
  const { size } = file;
  const range = parseRange(wanted, size);
  to.setHeader('ETag', `"made-up-${size}"`);
  if (range === 'unsatisfiable') {
    to.writeHead(416, { 'Content-Range': `bytes */${size}` }).end();
    return;
  }
  const { start, end } = range ?? { start: 0, end: size - 1 };
  if (range) to.setHeader('Content-Range', `bytes ${start}-${end}/${size}`);
  to.writeHead(range ? 206 : 200, { 'Content-Length': end - start + 1 });
  for (const piece of bytesOf(file, start, end + 1)) {
    // A reader that is slower than memory would have gigabytes waiting here.
    if (!to.write(piece)) await drained(to);
    if (to.destroyed) return;
  }
  to.end();
}

/** Or closed. */
async function drained(response: ServerResponse): Promise<void> {
  const events = new AbortController();
  const { signal } = events;
  await Promise.race([once(response, 'drain', { signal }), once(response, 'close', { signal })]);
  events.abort();
}
