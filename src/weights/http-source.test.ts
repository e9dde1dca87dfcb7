import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { isAbortError } from '../errors.ts';
import { ComponentFiles } from './component.ts';
import { HostWeights } from './host-weights.ts';
import { HttpSource } from './http-source.ts';

const DATA = Uint8Array.from({ length: 1000 }, (_, i) => i % 251);

let server: Server;
let source: HttpSource;
let requests: { url: string; range: string | undefined }[] = [];
const files = new Map<string, Uint8Array>();

/** `/whole/…` ignores ranges; other folders fail in the way that they are named for. */
function answer(request: IncomingMessage, response: ServerResponse): void {
  const url = request.url ?? '';
  const { range } = request.headers;
  requests.push({ url, range });
  const [, folder = '', name = ''] = url.split('/');
  const data = files.get(name);
  if (folder === 'page') {
    response.writeHead(200, { 'Content-Type': 'text/html; charset=utf-8' }).end('<html></html>');
  } else if (folder === 'broken') {
    response.writeHead(500).end();
  } else if (!data) {
    response.writeHead(404).end();
  } else if (folder === 'cut') {
    response.writeHead(206, { 'Content-Length': 1000 });
    response.write(data.subarray(0, 10), () => response.destroy());
  } else if (folder === 'stalled') {
    response.writeHead(206, { 'Content-Length': 1000 });
    response.write(data.subarray(0, 10));
  } else {
    const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(range ?? '') ?? [];
    if (from === undefined || folder === 'whole') {
      response.writeHead(200).end(data);
    } else if (Number(from) >= data.length) {
      response.writeHead(416).end();
    } else {
      const end = Math.min(Number(to) + 1, data.length);
      response.writeHead(206, {
        'Content-Range': `bytes ${from}-${end - 1}/${data.length}`,
      });
      response.end(data.subarray(Number(from), end));
    }
  }
}

function at(folder: string): HttpSource {
  const { port } = server.address() as AddressInfo;
  return new HttpSource(`http://127.0.0.1:${port}/${folder}`);
}

/** A safetensors file of float32 tensors, each `[count]`. */
function safetensors(tensors: Readonly<Record<string, Float32Array>>): Uint8Array {
  let end = 0;
  const entries = Object.entries(tensors).map(([name, { length, byteLength }]) => {
    const data_offsets = [end, end + byteLength];
    end += byteLength;
    return [name, { dtype: 'F32', shape: [length], data_offsets }];
  });
  const header = new TextEncoder().encode(JSON.stringify(Object.fromEntries(entries)));
  const file = new Uint8Array(8 + header.length + end);
  new DataView(file.buffer).setBigUint64(0, BigInt(header.length), true);
  file.set(header, 8);
  let position = 8 + header.length;
  for (const { buffer, byteLength } of Object.values(tensors)) {
    file.set(new Uint8Array(buffer, 0, byteLength), position);
    position += byteLength;
  }
  return file;
}

beforeAll(async () => {
  server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  files.set('data', DATA);
});

beforeEach(() => {
  source = at('good');
  requests = [];
});

afterAll(() => {
  server.closeAllConnections();
  server.close();
});

describe.each(['good', 'whole'])('a server whose ranges are %s', (folder) => {
  test('gives any range, and every byte is counted once', async () => {
    for (const [start, end] of [
      [0, 1000],
      [0, 1],
      [123, 777],
      [999, 1000],
    ] as const) {
      let counted = 0;
      const onBytes = (bytes: number): void => void (counted += bytes);
      expect(await at(folder).read('data', start, end, { onBytes })).toEqual(
        DATA.slice(start, end),
      );
      expect(counted).toBe(end - start);
    }
  });

  test('tells a size, once asked', async () => {
    const once = at(folder);
    expect([await once.size('data'), await once.size('data')]).toEqual([1000, 1000]);
    expect(requests).toHaveLength(1);
  });

  test('has a file that ends early', async () => {
    await expect(at(folder).read('data', 990, 1010)).rejects.toMatchObject({
      code: 'model-format',
      message: expect.stringContaining('data of http'),
    });
  });
});

describe('a server that fails', () => {
  test('by 404 has no such file', async () => {
    expect(await source.exists('nothing')).toBe(false);
    for (const asked of [source.read('nothing', 0, 1), source.readText('nothing')]) {
      await expect(asked).rejects.toMatchObject({
        code: 'model-format',
        message: expect.stringContaining('has no file nothing'),
      });
    }
  });

  test('by answering with a page has no such file either', async () => {
    expect(await at('page').exists('data')).toBe(false);
    await expect(at('page').readText('data')).rejects.toMatchObject({
      code: 'model-format',
      message: expect.stringContaining('is a web page'),
      hint: expect.stringContaining('login'),
    });
  });

  test('by 416 has a file that is too short', async () => {
    await expect(source.read('data', 2000, 2001)).rejects.toMatchObject({
      code: 'model-format',
      message: expect.stringContaining('shorter'),
    });
  });

  test('by 500 is a problem of the network, not an absent file', async () => {
    const refused = { code: 'network', message: expect.stringContaining('500') };
    await expect(at('broken').exists('data')).rejects.toMatchObject(refused);
    await expect(at('broken').read('data', 0, 1)).rejects.toMatchObject(refused);
  });

  test('by cutting the connection is a problem of the network', async () => {
    await expect(at('cut').read('data', 0, 1000)).rejects.toMatchObject({ code: 'network' });
  });

  test('by not being there is a problem of the network', async () => {
    await expect(new HttpSource('http://127.0.0.1:9/').size('data')).rejects.toMatchObject({
      code: 'network',
      cause: expect.any(Error),
    });
  });
});

test('a download is cancelled in its middle', async () => {
  const controller = new AbortController();
  let received = 0;
  const reading = at('stalled').read('data', 0, 1000, {
    signal: controller.signal,
    onBytes: (bytes) => {
      received += bytes;
      controller.abort();
    },
  });
  await expect(reading).rejects.toSatisfy(isAbortError);
  expect(received).toBe(10);
});

test('the bytes of a text are counted, not its letters', async () => {
  const text = '{"größe": "漢字"}';
  files.set('text', new TextEncoder().encode(text));
  let counted = 0;
  const onBytes = (bytes: number): void => void (counted += bytes);
  expect(await source.readText('text', { onBytes })).toBe(text);
  expect(counted).toBe(new TextEncoder().encode(text).length);
});

describe('a component', () => {
  const far = new Float32Array(100_000);

  test('is read in few ranges: neighbours together, distant tensors apart', async () => {
    const tensors = { a: Float32Array.of(1, 2), b: Float32Array.of(3), far, c: Float32Array.of(4) };
    files.set('model.safetensors', safetensors(tensors));
    const component = await ComponentFiles.open(source, '', { stem: 'model' });
    requests = [];
    const needs = (['c', 'a', 'b'] as const).map((name) => ({
      name,
      tensor: component.find(name, [tensors[name].length]),
      storage: 'source' as const,
    }));
    let counted = 0;
    const onBytes = (bytes: number): void => void (counted += bytes);
    const weights = await HostWeights.load(component, needs, { onBytes });
    expect(requests).toHaveLength(2);
    expect(counted).toBe(16);
    expect(weights.ramBytes).toBe(16);
    expect([
      ...weights.row('a', 1, 1),
      ...weights.row('b', 0, 1),
      ...weights.row('c', 0, 1),
    ]).toEqual([2, 3, 4]);
    expect(() => weights.row('far', 0, 1)).toThrow(/far was not loaded/);
  });

  test('may lie in several files, which an index names', async () => {
    files.delete('model.safetensors');
    files.set('one', safetensors({ a: Float32Array.of(1) }));
    files.set('two', safetensors({ b: Float32Array.of(2) }));
    const index = (map: unknown): void =>
      void files.set('model.safetensors.index.json', new TextEncoder().encode(JSON.stringify(map)));
    index({ weight_map: { a: 'one', b: 'two' } });
    const component = await ComponentFiles.open(source, '');
    expect(component.parameters).toBe(2);
    expect(component.find('b', [1]).file).toBe('two');
    for (const damaged of [{}, null, { weight_map: {} }, { weight_map: { a: 1 } }]) {
      index(damaged);
      await expect(ComponentFiles.open(source, '')).rejects.toMatchObject({
        code: 'model-format',
        message: expect.stringContaining('weight_map'),
      });
    }
    files.delete('model.safetensors.index.json');
    await expect(ComponentFiles.open(source, '')).rejects.toMatchObject({ code: 'model-format' });
  });

  test('names the tensor that is missing, or of another shape', async () => {
    files.set('model.safetensors', safetensors({ a: Float32Array.of(1, 2) }));
    const component = await ComponentFiles.open(source, '');
    expect(() => component.find('b', [2])).toThrow(/no tensor b/);
    expect(() => component.find('a', [1, 2])).toThrow(/a in .* has shape \[2\], expected \[1, 2\]/);
    files.delete('model.safetensors');
  });
});
