/** @file A model at a signed address with a password in it: loaded, used and failing, and nothing that leaves has either. */
import { inspect } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { serializeError } from '../errors.ts';
import { clipTags } from '../media/clip-tags.ts';
import { probeDevice } from '../runtime/device.ts';
import { freshFolder } from '../testing/folder-place.ts';
import { folderFiles, servedBytes } from '../testing/hub-server-send.ts';
import { encodeSafetensors, floats } from '../testing/safetensors-file.ts';
import { type SignedServer, startSignedServer } from '../testing/signed-server.ts';
import { HttpSource } from '../weights/http-source.ts';
import { openSource } from '../weights/open-source.ts';
import { describeCheckpoint, EnginePipeline, openModel } from './engine.ts';
import { planMemory } from './memory-plan.ts';
import { openParts } from './open-parts.ts';
import { listModels } from './stored-models.ts';
import { verifyModel } from './verify-model.ts';

const REQUEST = {
  prompt: 'a red ball',
  seed: 5,
  width: 32,
  height: 32,
  numFrames: 1,
  numInferenceSteps: 1,
  guidanceScale: 1,
};

let server: SignedServer;
/** All that has left, as text. */
const left: string[] = [];

function note(what: unknown): void {
  const serialized = what instanceof Error ? serializeError(what) : what;
  left.push(JSON.stringify(serialized) ?? '', inspect(what, { depth: 20, showHidden: true }));
}

function expectNoSecret(): void {
  expect(left.length).toBeGreaterThan(0);
  for (const text of left) {
    for (const secret of [...server.secrets, ...server.secrets.map(encodeURIComponent)]) {
      expect(text).not.toContain(secret);
    }
  }
}

beforeAll(async () => {
  const difference = floats(...Array.from({ length: 192 }, (_, i) => Math.sin(i)));
  const lora = encodeSafetensors(new Map([['diffusion_model.blocks.0.norm3.diff', difference]]));
  const files = [
    ...[...(await folderFiles('models/pocket'))].map(([path, file]) => [`pocket/${path}`, file]),
    ...[...(await folderFiles('models/parity/fixtures/taehv-21'))].map(([path, file]) => [
      `taehv/${path}`,
      file,
    ]),
    ['lora.safetensors', servedBytes(lora, 'lora.safetensors')],
  ] as [string, ReturnType<typeof servedBytes>][];
  server = await startSignedServer(new Map(files));
  for (const method of ['log', 'info', 'warn', 'error', 'debug'] as const) {
    vi.spyOn(console, method).mockImplementation((...args) => left.push(inspect(args)));
  }
});

afterEach(() => {
  server.fault = () => undefined;
  left.length = 0;
});

afterAll(async () => {
  vi.restoreAllMocks();
  await server.close();
});

/** What reading it fails with. */
async function failureOf(task: () => Promise<unknown>): Promise<Error> {
  try {
    await task();
  } catch (error) {
    note(error);
    return error as Error;
  }
  throw new Error('This should have failed.');
}

test('a model at a signed address makes a clip, and no secret leaves', async () => {
  const place = await freshFolder();
  const store = await place.open();
  const load = (): Promise<EnginePipeline> =>
    EnginePipeline.fromSource(openSource(server.address('pocket/')), {
      device: 'wasm',
      dtype: 'float32',
      store,
      onProgress: note,
      ...openParts(
        {
          loras: [{ source: server.address('lora.safetensors'), scale: 0.5 }],
          fastDecoder: server.address('taehv/taew2_1.safetensors'),
        },
        {},
      ),
    });
  try {
    await using pipeline = await load();
    const result = await pipeline.generate({ ...REQUEST, onProgress: note });
    const { parameters, notices, seconds, memory } = result;
    note([pipeline.checkpoint, parameters, notices, seconds, memory, clipTags(parameters)]);
    expect(parameters.model).toBe('pocket');
    expect(pipeline.checkpoint.source).toBe(server.plain('pocket/'));

    const records = await store.listRecords();
    const models = await listModels(store);
    note([records, records.map((record) => [...('tensors' in record ? record.tensors : [])])]);
    note(models);
    expect(models.map(({ source }) => source)).toContain(server.plain('pocket'));
    const [model] = models.filter(({ variant }) => variant !== undefined);
    if (!model) throw new Error('no model was kept');
    // A record has no signature: who verifies must say where the files are.
    note(await failureOf(() => verifyModel(store, model, { onProgress: note })));

    // Signatures expire: with the next one it is the same model still.
    server.rotate();
    const before = server.requests.length;
    await using again = await load();
    note(again.checkpoint);
    const weights = server.requests.slice(before).filter((path) => path.endsWith('.safetensors'));
    // Headers of its files, and no weights: what was stored is found.
    expect(await listModels(store)).toHaveLength(models.length);
    expect(weights.length).toBeLessThan(20);
    const rotated = await store.listRecords();
    expect(rotated.map(({ id }) => id).toSorted()).toEqual(records.map(({ id }) => id).toSorted());
    expectNoSecret();
  } finally {
    store.close();
    await place.remove();
  }
});

test('inspecting and planning tell no secret', async () => {
  const source = openSource(server.address('pocket'));
  const checkpoint = await openModel(source, openParts({}, {}));
  note(describeCheckpoint(source, checkpoint));
  note(planMemory(checkpoint, await probeDevice('wasm'), REQUEST));
  expectNoSecret();
});

describe('a failure tells no secret', () => {
  test.each<[string, () => string, string]>([
    ['no password', () => server.address('pocket/').replace(/\/\/.*@/, '//'), '401'],
    ['no signature', () => server.address('pocket/').replace(/\?.*/, ''), '403'],
    ['another signature', () => `${server.address('pocket/')}S3cret-of-old`, '403'],
    ['no such folder', () => server.address('elsewhere/'), 'has no file'],
    ['no scheme', () => server.address('pocket/').replace('http://', ''), 'model: '],
    ['another scheme', () => server.address('pocket/').replace('http', 'ftp'), 'model: '],
    ['no address', () => 'https://reader:Pa/w0rd@host/?X-Amz-Signature=S3cret', 'model: '],
    [
      'a path that leaves',
      () => 'https://huggingface.co/a/b/tree/v/%2e%2e%2fx?sig=S3cret',
      'leaves',
    ],
    ['no reference', () => 'some model?X-Amz-Signature=S3cret', 'model: '],
  ])('for %s', async (_, address, message) => {
    const failure = await failureOf(() => openModel(openSource(address()), {}));
    expect(failure.message).toContain(message);
    expectNoSecret();
  });

  test.each([
    ['a server that is down', () => server.address('pocket/').replace(/:\d+\//, ':9/')],
    ['no such host', () => 'https://u:w0rd@nowhere.invalid/x?X-Amz-Signature=S3cret'],
  ])('for %s', async (_, address) => {
    const source = new HttpSource(address(), { retry: { attempts: 1 } });
    expect(await failureOf(() => openModel(source, {}))).toMatchObject({ code: 'network' });
    expectNoSecret();
  });

  test.each([
    ['pocket/model_index.json', 'not JSON', { status: 200, body: '<' }],
    ['pocket/transformer/config.json', 'a server error', { status: 500 }],
    ['pocket/transformer/diffusion_pytorch_model.safetensors', 'an empty file', { endAfter: 3 }],
  ])('in %s: %s', async (path, _, fault) => {
    server.fault = (asked) => (asked === path ? fault : undefined);
    const source = new HttpSource(server.address('pocket'), {
      retry: { attempts: 2, firstWaitMs: 1 },
    });
    await failureOf(() => openModel(source, {}));
    expectNoSecret();
  });

  test('for a fetch that repeats what it was asked for', async () => {
    const source = new HttpSource(server.address('pocket'), {
      retry: { attempts: 1, firstWaitMs: 1 },
      fetch: (input, init) => {
        const headers = JSON.stringify([...new Headers(init?.headers)]);
        const asked = `${input instanceof Request ? input.url : input.toString()} ${headers}`;
        const cause = new TypeError(`the network is down for ${asked}`, {
          cause: { message: `because of ${asked}` },
        });
        return Promise.reject(new Error(`could not fetch ${asked}`, { cause }));
      },
    });
    const failure = await failureOf(() => source.readText('config.json'));
    expect(failure).toMatchObject({ code: 'network', cause: { cause: {} } });
    expectNoSecret();
  });
});
