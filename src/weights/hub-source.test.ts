/** @file The whole way to a hub's files, library and all, against a server that speaks its protocol. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { isAbortError } from '../errors.ts';
import { openCheckpoint } from '../families/open-checkpoint.ts';
import { type HubServer, startHubServer } from '../testing/hub-server.ts';
import { freshFolder } from '../testing/folder-place.ts';
import { folderFiles, servedBytes, type ServedFile } from '../testing/hub-server-send.ts';
import { type HubOptions, HubSource } from './hub-source.ts';
import { NodeFolderSource } from './node-source.ts';

const OLD = 'a'.repeat(40);
const NEW = 'b'.repeat(40);
const WEIGHTS = 'transformer/diffusion_pytorch_model.safetensors';
const QUICK = { attempts: 3, firstWaitMs: 1, longestWaitMs: 5, stallMs: 3000 };

let hub: HubServer;
let files: ReadonlyMap<string, ServedFile>;
const revisions: Record<string, string> = {};

function open(repository: string, options: HubOptions & { revision?: string } = {}): HubSource {
  const { revision, ...rest } = options;
  const reference = { repository, revision, path: '' };
  return new HubSource(reference, { hubUrl: hub.url, retry: QUICK, ...rest });
}

beforeAll(async () => {
  files = await folderFiles('models/pocket');
  const text = new TextEncoder().encode('# Another card');
  const later = new Map(files).set('README.md', servedBytes(text, 'README.md'));
  const commits = { [OLD]: files, [NEW]: later };
  hub = await startHubServer([
    { name: 'someone/pocket', commits, revisions },
    { name: 'someone/gated', commits, revisions, gatedTo: ['hf_friend'] },
    { name: 'someone/private', commits, revisions, privateTo: ['hf_friend'] },
  ]);
});

beforeEach(() => {
  Object.assign(revisions, { main: OLD, v1: OLD, 'refs/pr/1': NEW });
  hub.fault = () => undefined;
  hub.requests.length = 0;
});

afterAll(() => hub.close());

describe('a public repository', () => {
  test('is the folder that it was made of, to the byte', async () => {
    const source = open('someone/pocket');
    const disk = new NodeFolderSource('models/pocket');
    for (const path of files.keys()) {
      expect(await source.exists(path)).toBe(true);
      const size = await source.size(path);
      expect(size).toBe(await disk.size(path));
      // Element by element would take minutes.
      const [read, expected] = [await source.read(path, 0, size), await disk.read(path, 0, size)];
      expect(Buffer.compare(read, expected)).toBe(0);
    }
    expect(await source.exists('no/such.json')).toBe(false);
    await expect(source.readText('no/such.json')).rejects.toMatchObject({ code: 'model-format' });
    const { components } = await openCheckpoint(source);
    expect(components).toEqual((await openCheckpoint(disk)).components);
  });

  test('is read at one commit, though the branch moves on', async () => {
    const source = open('someone/pocket');
    expect(await source.commit()).toBe(OLD);
    revisions['main'] = NEW;
    expect(await source.readText('README.md')).not.toBe('# Another card');
    expect(await open('someone/pocket').readText('README.md')).toBe('# Another card');
    const resolved = hub.requests.filter(({ url }) => url.includes('/resolve/'));
    expect(resolved.map(({ url }) => url.split('/')[4])).toEqual([OLD, NEW]);
  });

  test('has tags, commits and pull requests', async () => {
    for (const [revision, commit] of [
      ['v1', OLD],
      [NEW, NEW],
      ['refs/pr/1', NEW],
    ] as const) {
      expect(await open('someone/pocket', { revision }).commit()).toBe(commit);
    }
  });

  test('marks a file by its contents: the same at another commit, without asking for it', async () => {
    const marks = [OLD, NEW].map((revision) => {
      const source = open('someone/pocket', { revision });
      return Promise.all([source.revision(WEIGHTS), source.revision('README.md')]);
    });
    const [[weights, card] = [], [sameWeights, otherCard] = []] = await Promise.all(marks);
    expect(weights).toBe(`sha256:${files.get(WEIGHTS)?.oid}`);
    expect(sameWeights).toBe(weights);
    expect(otherCard).not.toBe(card);
    expect(hub.requests.some(({ url }) => url.includes('/resolve/'))).toBe(false);
  });

  test('may be entered at a folder', async () => {
    const reference = { repository: 'someone/pocket', revision: undefined, path: 'transformer' };
    const source = new HubSource(reference, { hubUrl: hub.url });
    expect(source.name).toBe('someone/pocket/transformer');
    expect(await source.exists('config.json')).toBe(true);
    expect(await source.exists('model_index.json')).toBe(false);
    expect(JSON.parse(await source.readText('config.json'))).toHaveProperty('num_layers');
  });

  test('is asked again after a burst of 429 and 503, also for its listing', async () => {
    const failed = new Set<string>();
    hub.fault = ({ url, server }) => {
      if (failed.has(url)) return undefined;
      failed.add(url);
      return server === 'hub'
        ? { status: 429, headers: { 'Retry-After': '0' } }
        : { status: 503, body: '<Error>SlowDown</Error>' };
    };
    const source = open('someone/pocket');
    const disk = new NodeFolderSource('models/pocket');
    expect(await source.read(WEIGHTS, 100, 5000)).toEqual(await disk.read(WEIGHTS, 100, 5000));
    expect(failed.size).toBeGreaterThan(4);
  });

  test('that is not what its listing says is refused', async () => {
    hub.fault = ({ server, range }) =>
      server === 'cdn'
        ? { headers: { 'Content-Range': `${range?.replace('=', ' ')}/77` } }
        : undefined;
    await expect(open('someone/pocket').read(WEIGHTS, 0, 8)).rejects.toMatchObject({
      code: 'model-format',
      message: expect.stringContaining(WEIGHTS),
    });
  });

  test('is told from a server that is no hub', async () => {
    hub.fault = ({ url }) => (url.includes('/revision/') ? { status: 200, body: '{}' } : undefined);
    await expect(open('someone/pocket').exists('x')).rejects.toMatchObject({
      code: 'model-format',
      message: expect.stringContaining('no commit'),
    });
    hub.fault = () => ({ status: 200, body: '<html>' });
    await expect(open('someone/pocket').exists('x')).rejects.toMatchObject({ code: 'network' });
  });

  test('is tried again after a failure, and let go of at once when it is cancelled', async () => {
    hub.fault = () => ({ status: 500 });
    const source = open('someone/pocket');
    await expect(source.exists('x')).rejects.toMatchObject({ code: 'network' });
    hub.fault = () => undefined;
    expect(await source.exists('README.md')).toBe(true);
    const controller = new AbortController();
    hub.fault = () => {
      controller.abort();
      return { status: 503, headers: { 'Retry-After': '60' } };
    };
    const { signal } = controller;
    await expect(open('someone/pocket').exists('x', { signal })).rejects.toSatisfy(isAbortError);
  });
});

test('what is stored from one repository serves another that has the same files', async () => {
  const place = await freshFolder();
  const store = await place.open();
  const keep = async (repository: string, options?: HubOptions): Promise<number> => {
    const model = await openCheckpoint(open(repository, options));
    hub.requests.length = 0;
    const weights = await model.fetch('text_encoder', { linear: 'float32' }, { store });
    expect(weights.ramBytes).toBe(0);
    return hub.requests.filter(({ server }) => server === 'cdn').length;
  };
  expect(await keep('someone/pocket')).toBeGreaterThan(0);
  revisions['main'] = NEW;
  expect(await keep('someone/pocket')).toBe(0);
  expect(await keep('someone/gated', { token: 'hf_friend' })).toBe(0);
  expect(await store.listCheckpoints()).toHaveLength(1);
  store.close();
  await place.remove();
});

describe('access', () => {
  const refusals = {
    'is gated': ['someone/gated', undefined, /gated/, /Accept the licence on .*someone\/gated/],
    'is gated, and the account not let in': ['someone/gated', 'hf_other', /no access/, /grant/],
    'is private': ['someone/private', undefined, /no public repository/, /token/],
    'is private to others': ['someone/private', 'hf_other', /token may not read/, /name/],
    'is missing': ['someone/nothing', undefined, /no public repository/, /name/],
    'has an old token': ['someone/pocket', 'hf_invalid', /does not accept/, /expired/],
  } as const;

  test.each(Object.entries(refusals))('%s: said plainly, with what to do', async (_, refusal) => {
    const [repository, token, message, hint] = refusal;
    await expect(open(repository, { token }).readText('README.md')).rejects.toMatchObject({
      code: 'invalid-argument',
      message: expect.stringMatching(message),
      hint: expect.stringMatching(hint),
    });
  });

  test('a missing revision is told from a missing repository', async () => {
    const opening = open('someone/pocket', { revision: 'v9' }).exists('README.md');
    await expect(opening).rejects.toMatchObject({
      code: 'invalid-argument',
      message: 'revision: someone/pocket has no revision v9.',
    });
  });

  test('what cannot be a token is refused before anything is sent, and not repeated', () => {
    expect(() => open('someone/pocket', { token: 'secret\r\nX-Evil: 1' })).toThrow(
      expect.objectContaining({
        code: 'invalid-argument',
        message: expect.not.stringContaining('secret'),
      }),
    );
    expect(hub.requests).toEqual([]);
  });

  test('a token opens a gated repository, and goes to the hub alone', async () => {
    const source = open('someone/gated', { token: 'hf_friend' });
    expect(await source.read(WEIGHTS, 0, 8)).toHaveLength(8);
    const seen = hub.requests.map(({ server, authorization }) => `${server} ${authorization}`);
    expect(new Set(seen)).toEqual(new Set(['hub Bearer hf_friend', 'cdn undefined']));
  });

  test('a listing that points elsewhere does not get the token', async () => {
    hub.fault = ({ url }) =>
      url.includes('/tree/')
        ? { status: 200, headers: { Link: `<${hub.cdnUrl}/steal>; rel="next"` }, body: '[]' }
        : undefined;
    await expect(open('someone/pocket', { token: 'hf_friend' }).exists('x')).rejects.toThrow();
    const stolen = hub.requests.filter(({ server }) => server === 'cdn');
    expect(stolen.length).toBeGreaterThan(0);
    expect(stolen.every(({ authorization }) => authorization === undefined)).toBe(true);
  });
});
