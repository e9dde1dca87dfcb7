/** @file What passes is tried again and continued; what does not is told plainly. On a server that fails on demand. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { isAbortError } from '../errors.ts';
import { type HubServer, startHubServer } from '../testing/hub-server.ts';
import { type Fault, servedBytes } from '../testing/hub-server-send.ts';
import { HttpSource } from './http-source.ts';

const COMMIT = 'c'.repeat(40);
const DATA = Uint8Array.from({ length: 300_000 }, (_, i) => (i * 31) % 251);
const LONG = { ...servedBytes(DATA, 'long'), size: 80 * 1024 * 1024 };
const QUICK = { attempts: 3, firstWaitMs: 1, longestWaitMs: 5, stallMs: 1500 };

let hub: HubServer;
let source: HttpSource;

/** These befall the requests that come, one after another; later ones go well. */
function faults(...all: readonly Fault[]): void {
  const queue = [...all];
  hub.fault = () => queue.shift();
}

/** As a script of another origin sees an answer, unless the server allows more. */
const withoutHeader: typeof fetch = async (...request) => {
  const { body, status, headers } = await fetch(...request);
  const seen = new Headers(headers);
  seen.delete('Content-Range');
  return new Response(body, { status, headers: seen });
};

beforeAll(async () => {
  const files = new Map([
    ['data', servedBytes(DATA, 'data')],
    ['long', LONG],
  ]);
  hub = await startHubServer([
    { name: 'a/b', commits: { [COMMIT]: files }, revisions: { main: COMMIT } },
  ]);
});

beforeEach(() => {
  source = new HttpSource(`${hub.url}/a/b/resolve/main`, { retry: QUICK });
  hub.fault = () => undefined;
  hub.requests.length = 0;
});

afterAll(() => hub.close());

const ranges = (): (string | undefined)[] => hub.requests.map(({ range }) => range);

describe('tried again', () => {
  test.each([408, 429, 500, 502, 503, 504])('after %i', async (status) => {
    faults({ status }, { status });
    expect(await source.read('data', 5, 500)).toEqual(DATA.slice(5, 500));
    expect(ranges()).toEqual(Array(3).fill('bytes=5-499'));
  });

  test('after as long as the server asks for', async () => {
    faults({ status: 429, headers: { 'Retry-After': '1' } });
    const started = performance.now();
    await source.read('data', 0, 10);
    expect(performance.now() - started).toBeGreaterThanOrEqual(990);
  });

  test('but not if that is too long, which is told', async () => {
    faults({ status: 429, headers: { 'Retry-After': '3600' } });
    await expect(source.read('data', 0, 10)).rejects.toMatchObject({
      code: 'network',
      hint: expect.stringContaining('3600 s'),
    });
  });

  test('not for ever', async () => {
    faults(...Array.from({ length: 50 }, () => ({ status: 503 })));
    await expect(source.read('data', 0, 10)).rejects.toMatchObject({
      code: 'network',
      message: expect.stringContaining('503'),
    });
    expect(hub.requests).toHaveLength(3);
  });

  test('until it is cancelled, in the middle of a wait too', async () => {
    const controller = new AbortController();
    faults({ status: 503, headers: { 'Retry-After': '60' } });
    setTimeout(() => controller.abort(), 50);
    const { signal } = controller;
    await expect(source.read('data', 0, 10, { signal })).rejects.toSatisfy(isAbortError);
    expect(hub.requests).toHaveLength(1);
  });
});

describe('continued where it stopped', () => {
  test.each<[string, Fault]>([
    ['is cut', { cutAfter: 100_000 }],
    ['stalls', { stallAfter: 100_000 }],
    ['ends early, as if it were whole', { endAfter: 100_000 }],
  ])('when a body %s', async (_, fault) => {
    faults(fault);
    let counted = 0;
    const onBytes = (bytes: number): void => void (counted += bytes);
    expect(await source.read('data', 1000, 300_000, { onBytes })).toEqual(DATA.slice(1000));
    expect(ranges()).toEqual(['bytes=1000-299999', 'bytes=101000-299999']);
    expect(counted).toBe(299_000);
  });

  test('more often than it may fail in a row, since it gets on', async () => {
    faults(...Array.from({ length: 8 }, () => ({ cutAfter: 30_000 })));
    expect(await source.read('data', 0, 300_000)).toEqual(DATA);
    expect(hub.requests).toHaveLength(9);
  });
});

describe('refused', () => {
  test('a file that changes between two answers: no mixture', async () => {
    await source.read('data', 0, 10);
    faults({ headers: { ETag: '"another"' } });
    await expect(source.read('data', 10, 20)).rejects.toMatchObject({
      code: 'model-format',
      message: expect.stringContaining('not the file'),
    });
  });

  test('a file that changes while it is read', async () => {
    faults({ cutAfter: 1000 }, { headers: { ETag: '"another"' } });
    await expect(source.read('data', 0, 2000)).rejects.toMatchObject({ code: 'model-format' });
  });

  test('another range than was asked for', async () => {
    faults({ shift: 7 });
    await expect(source.read('data', 10, 20)).rejects.toMatchObject({
      code: 'network',
      message: expect.stringMatching(/bytes 17–26 .* 10–19/),
    });
  });

  test('more than was asked for is left', async () => {
    faults({ endsLater: 5000 }, { headers: { 'Content-Range': 'bytes 30-4999/300000' } });
    expect(await source.read('data', 10, 20)).toEqual(DATA.slice(10, 20));
    expect(await source.read('data', 30, 40)).toEqual(DATA.slice(30, 40));
  });

  test('more bytes than were asked for, where no header tells', async () => {
    const url = `${hub.url}/a/b/resolve/main`;
    const blind = new HttpSource(url, { retry: QUICK, fetch: withoutHeader });
    expect(await blind.read('data', 10, 20)).toEqual(DATA.slice(10, 20));
    faults({ endsLater: 5000 });
    await expect(blind.read('data', 10, 20)).rejects.toThrow('more bytes came');
  });

  test('parts that are compressed', async () => {
    faults({ headers: { 'Content-Encoding': 'gzip' } });
    await expect(source.read('data', 0, 10)).rejects.toMatchObject({ code: 'feature-missing' });
  });

  test.each(['bytes */5', 'lines 1-2/3', 'bytes 5-2/300000'])(
    'a Content-Range that makes no sense: %s',
    async (text) => {
      faults({ headers: { 'Content-Range': text } });
      await expect(source.read('data', 5, 10)).rejects.toMatchObject({ code: 'network' });
    },
  );

  test.each([
    [401, 'network', /wants a login/],
    [403, 'network', /may have expired/],
    [404, 'model-format', /complete/],
    [410, 'model-format', /taken down/],
    [416, 'model-format', /cut short/],
    [418, 'network', /later/],
  ] as const)('%i, at once and in words of its own', async (status, code, hint) => {
    faults({ status });
    const expected = { code, hint: expect.stringMatching(hint) };
    await expect(source.read('data', 0, 10)).rejects.toMatchObject(expected);
    expect(hub.requests).toHaveLength(1);
  });
});

describe('a server that ignores ranges', () => {
  beforeEach(() => {
    hub.fault = () => ({ ignoresRange: true });
  });

  test('is asked once for a small file', async () => {
    expect(await source.size('data')).toBe(300_000);
    expect(await source.read('data', 5, 50)).toEqual(DATA.slice(5, 50));
    expect(await source.read('data', 299_990, 300_000)).toEqual(DATA.slice(299_990));
    expect(hub.requests).toHaveLength(1);
  });

  test('is not asked for a large file once a piece', async () => {
    await expect(source.read('long', 5, 50)).rejects.toMatchObject({
      code: 'feature-missing',
      message: expect.stringContaining('whole of long'),
    });
    expect(hub.requests).toHaveLength(1);
  });
});
