/** @file Files of a hub are compared with the hashes that it lists, wherever they are read whole. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { openCheckpoint } from '../families/open-checkpoint.ts';
import type { ModelCheckpoint } from '../families/family.ts';
import { checkedFiles } from '../store/checked-files.ts';
import type { CheckpointStore } from '../store/checkpoint-store.ts';
import { freshFolder } from '../testing/folder-place.ts';
import { type HubServer, startHubServer } from '../testing/hub-server.ts';
import {
  type Fault,
  folderFiles,
  servedBytes,
  type ServedFile,
} from '../testing/hub-server-send.ts';
import {
  encodeSafetensors,
  type FileTensor,
  readSafetensorsFile,
} from '../testing/safetensors-file.ts';
import { shardEncoder, shardName } from '../testing/sharded-encoder.ts';
import type { ComponentWeights } from './component-weights.ts';
import { HubSource } from './hub-source.ts';
import { NodeFolderSource } from './node-source.ts';
import { Q8 } from './quantize-format.ts';
import type { FileSource } from './source.ts';

const COMMIT = 'd'.repeat(40);
const ENCODER = 'text_encoder/model.safetensors';
const QUICK = { attempts: 3, firstWaitMs: 1, longestWaitMs: 5, stallMs: 3000 };
/** Cuts the text encoder into some ten chunks. */
const CHUNK_BYTES = 64 * 1024;

let hub: HubServer;
let files: Map<string, ServedFile>;
let tensors: Map<string, FileTensor>;
let sharded: Map<string, ServedFile>;
let place: Awaited<ReturnType<typeof freshFolder>>;
let store: CheckpointStore;

const encoder = (entries: Iterable<[string, FileTensor]>): ServedFile =>
  servedBytes(encodeSafetensors(new Map(entries)), ENCODER);

function open(name: string): FileSource {
  const reference = { repository: `someone/${name}`, revision: undefined, path: '' };
  return new HubSource(reference, { hubUrl: hub.url, retry: QUICK });
}

function fetched(
  model: ModelCheckpoint,
  options: Parameters<ModelCheckpoint['fetch']>[2] = {},
): Promise<ComponentWeights> {
  return model.fetch(
    'text_encoder',
    { linear: 'float32' },
    { chunkBytes: CHUNK_BYTES, ...options },
  );
}

async function load(name: string, isStored: boolean): Promise<ComponentWeights> {
  return fetched(await openCheckpoint(open(name)), isStored ? { store } : {});
}

async function fileStates(): Promise<(readonly [string, string])[]> {
  const records = await store.listCheckpoints();
  return records.flatMap((record) =>
    checkedFiles(record).map(({ path, state }) => [path, state] as const),
  );
}

/** Flips a byte of a file as often as `times` says. @param url What the address of the file ends with. */
function flips(position: number, times: number, url?: string): void {
  let left = times;
  hub.fault = ({ range, server, url: asked, method }): Fault | undefined => {
    const [, first = '0', last = '0'] = /^bytes=(\d+)-(\d+)$/.exec(range ?? '') ?? [];
    const isHit =
      url === undefined
        ? server === 'cdn' && position >= Number(first) && position <= Number(last)
        : asked.endsWith(url) && method === 'GET';
    if (!isHit || left <= 0) return undefined;
    left--;
    return { flips: position };
  };
}

/** Bytes that the CDN was asked for. */
function askedBytes(file: ServedFile | undefined): number {
  return hub.requests
    .filter(({ server, url }) => server === 'cdn' && url.includes(file?.oid ?? '?'))
    .map(({ range }) => /^bytes=(\d+)-(\d+)$/.exec(range ?? ''))
    .reduce((sum, match) => sum + Number(match?.[2]) - Number(match?.[1]) + 1, 0);
}

beforeAll(async () => {
  files = await folderFiles('models/pocket');
  tensors = await readSafetensorsFile(`models/pocket/${ENCODER}`);
  const all = [...tensors];
  const data = new Uint8Array(512 * 512 * 2);
  const unread: [string, FileTensor] = [
    'decoder.block.0.layer.0.SelfAttention.q.weight',
    { dtype: 'F16', shape: [512, 512], data },
  ];
  sharded = await shardEncoder(files);
  const listedWrong = { ...encoder(all), oid: 'f'.repeat(64) };
  const repositories = {
    pocket: files,
    partly: new Map(files).set(ENCODER, encoder([...all, unread])),
    sharded,
    wrong: new Map(files).set(ENCODER, listedWrong),
  };
  hub = await startHubServer(
    Object.entries(repositories).map(([name, each]) => ({
      name: `someone/${name}`,
      commits: { [COMMIT]: each },
      revisions: { main: COMMIT },
    })),
  );
});

beforeEach(async () => {
  hub.fault = () => undefined;
  hub.requests.length = 0;
  place = await freshFolder();
  store = await place.open();
  return async () => {
    store.close();
    await place.remove();
  };
});

afterAll(() => hub.close());

describe.each([
  ['into RAM', false],
  ['into storage', true],
])('weights that are read %s', (_, isStored) => {
  test('are fetched again after a bit flipped on its way', async () => {
    const disk = await openCheckpoint(new NodeFolderSource('models/pocket'));
    const expected = await (await fetched(disk)).row('shared.weight', 3, 192);
    const size = files.get(ENCODER)?.size ?? 0;
    flips(size - 1000, 1);
    let reported = 0;
    const onBytes = (bytes: number): void => void (reported += bytes);
    const model = await openCheckpoint(open('pocket'));
    const weights = await fetched(model, { onBytes, ...(isStored ? { store } : {}) });
    expect(await weights.row('shared.weight', 3, 192)).toEqual(expected);
    // What was fetched twice counts once.
    expect(Math.abs(reported - size)).toBeLessThan(5000);
    expect(askedBytes(files.get(ENCODER))).toBeGreaterThan(1.9 * size);
    if (isStored) expect(await fileStates()).toEqual([[ENCODER, 'whole']]);
  });

  test('are fetched again from a server that ignores ranges, whose answer is held whole', async () => {
    const size = files.get(ENCODER)?.size ?? 0;
    let answers = 0;
    hub.fault = ({ server }) => {
      if (server !== 'cdn') return undefined;
      return { ignoresRange: true, ...(answers++ === 0 ? { flips: size - 1000 } : {}) };
    };
    const weights = await load('pocket', isStored);
    hub.fault = () => undefined;
    const whole = await load('pocket', false);
    expect(await weights.row('shared.weight', 3, 192)).toEqual(
      await whole.row('shared.weight', 3, 192),
    );
    expect(answers).toBeGreaterThan(1);
  });

  test('are refused if a bit flips every time, with both hashes, and nothing is kept', async () => {
    flips((files.get(ENCODER)?.size ?? 0) - 1000, 9);
    const error = await load('pocket', isStored).catch((reason: unknown) => reason);
    expect(error).toMatchObject({
      code: 'network',
      message: expect.stringMatching(/text_encoder\/model\.safetensors of someone\/pocket/),
      hint: expect.stringMatching(/proxy/),
    });
    const { oid } = files.get(ENCODER) ?? {};
    expect((error as Error).message).toContain(`sha256:${oid}`);
    expect((error as Error).message.match(/sha256:[0-9a-f]{64}/g)).toHaveLength(2);
    const records = await store.listCheckpoints();
    expect(records.map(({ state, totalBytes }) => [state, totalBytes])).toEqual(
      isStored ? [['importing', 0]] : [],
    );
  });

  test('are refused if the hub lists another hash than the file has', async () => {
    await expect(load('wrong', isStored)).rejects.toMatchObject({
      code: 'network',
      message: expect.stringContaining('f'.repeat(64)),
    });
  });

  test('are refused if a bit flipped in the header that was read before', async () => {
    // A letter of a name in the header's metadata, which nothing else looks at.
    flips(27, 1);
    await expect(load('pocket', isStored)).rejects.toMatchObject({ code: 'network' });
  });
});

describe('a record in the storage', () => {
  test('says which files were read whole: of the decoder, the half that encodes is not needed', async () => {
    const model = await openCheckpoint(open('pocket'));
    for (const name of ['text_encoder', 'transformer', 'vae'] as const) {
      await model.fetch(name, { linear: 'float32', weights: Q8 }, { store });
    }
    const records = await store.listCheckpoints();
    const all = records.flatMap(checkedFiles);
    const from = all.map(({ source, commit }) => `${source} ${commit}`);
    expect(from).toEqual(Array(3).fill(`someone/pocket ${COMMIT}`));
    expect(all.map(({ path, state }) => `${path} ${state}`).sort()).toEqual([
      `${ENCODER} whole`,
      'transformer/diffusion_pytorch_model.safetensors whole',
      'vae/diffusion_pytorch_model.safetensors ranges',
    ]);
  });

  test('says that only ranges were read of a file with tensors that are not needed', async () => {
    await load('partly', true);
    expect(await fileStates()).toEqual([[ENCODER, 'ranges']]);
  });

  test('says that nothing is known of files without a listed hash', async () => {
    await fetched(await openCheckpoint(new NodeFolderSource('models/pocket')), { store });
    expect(await fileStates()).toEqual([[ENCODER, 'unknown']]);
  });

  test('says that only ranges were read of a file whose import was cut short', async () => {
    const controller = new AbortController();
    hub.fault = ({ server }) => (server === 'cdn' ? { bytesPerSecond: 1e6 } : undefined);
    let bytes = 0;
    const cut = fetched(await openCheckpoint(open('pocket')), {
      store,
      signal: controller.signal,
      onBytes: (more) => {
        bytes += more;
        if (bytes > 4e5) controller.abort();
      },
    });
    const outcome = await cut.then(
      () => 'finished',
      () => 'cut',
    );
    expect(outcome).toBe('cut');
    const [record] = await store.listCheckpoints();
    expect(record?.chunks.length).toBeGreaterThan(0);
    expect(await fileStates()).toEqual([[ENCODER, 'ranges']]);
    hub.fault = () => undefined;
    await load('pocket', true);
    expect(await fileStates()).toEqual([[ENCODER, 'ranges']]);
  });

  test('keeps the shards before the one that arrived damaged', async () => {
    const [first, second] = [1, 2].map((i) => hubFile(`text_encoder/${shardName(i)}`));
    let left = 1;
    hub.fault = ({ url, range }) => {
      const isLast =
        url.includes(second?.oid ?? '?') && range?.endsWith(`-${(second?.size ?? 0) - 1}`);
      return isLast && left-- > 0 ? { flips: (second?.size ?? 0) - 7 } : undefined;
    };
    const model = await openCheckpoint(open('sharded'));
    let reported = 0;
    const onBytes = (bytes: number): void => void (reported += bytes);
    const weights = await fetched(model, { store, onBytes });
    const own = [...tensors.values()].reduce((sum, { data }) => sum + data.byteLength, 0);
    expect(reported).toBe(own);
    const whole = await load('pocket', false);
    expect(await weights.row('shared.weight', 3, 192)).toEqual(
      await whole.row('shared.weight', 3, 192),
    );
    expect(askedBytes(second)).toBeGreaterThan(1.9 * (second?.size ?? 0));
    expect(askedBytes(first)).toBeLessThan((first?.size ?? 0) + 2 * CHUNK_BYTES);
  });
});

function hubFile(path: string): ServedFile | undefined {
  return sharded.get(path);
}

describe('a small file', () => {
  const CONFIG = 'transformer/config.json';

  test('is fetched again after a bit flipped on its way', async () => {
    flips(20, 1, CONFIG);
    expect(await open('pocket').readText(CONFIG)).toBe(
      await new NodeFolderSource('models/pocket').readText(CONFIG),
    );
  });

  test('is refused if a bit flips every time', async () => {
    flips(20, 9, CONFIG);
    await expect(open('pocket').readText(CONFIG)).rejects.toMatchObject({
      code: 'network',
      message: expect.stringMatching(/config\.json of someone\/pocket arrived damaged/),
    });
  });
});
