/** @file A stored model is verified against its source: what was only read by ranges, what is damaged, what has changed. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { openCheckpoint } from '../families/open-checkpoint.ts';
import type { ComponentName } from '../families/family.ts';
import { checkedFiles, withFiles } from '../store/checked-files.ts';
import type { CheckpointStore } from '../store/checkpoint-store.ts';
import { freshFolder } from '../testing/folder-place.ts';
import { type HubServer, startHubServer } from '../testing/hub-server.ts';
import { folderFiles, servedBytes, type ServedFile } from '../testing/hub-server-send.ts';
import { HubSource } from '../weights/hub-source.ts';
import { NodeFolderSource } from '../weights/node-source.ts';
import { Q8 } from '../weights/quantize-format.ts';
import type { FileSource } from '../weights/source.ts';
import type { StoredModel } from './stored-model.ts';
import { listModels } from './stored-models.ts';
import type { VerifyProgress } from './api.ts';
import { verifyModel } from './verify-model.ts';

const OLD = 'a'.repeat(40);
const NEW = 'b'.repeat(40);
const VAE = 'vae/diffusion_pytorch_model.safetensors';
const TRANSFORMER = 'transformer/diffusion_pytorch_model.safetensors';
const COMPONENTS: readonly ComponentName[] = ['text_encoder', 'transformer', 'vae'];
const QUICK = { attempts: 3, firstWaitMs: 1, longestWaitMs: 5, stallMs: 3000 };

let hub: HubServer;
let files: Map<string, ServedFile>;
const revisions = { main: OLD };
let place: Awaited<ReturnType<typeof freshFolder>>;
let store: CheckpointStore;

const onHub = (): FileSource =>
  new HubSource(
    { repository: 'someone/pocket', revision: undefined, path: '' },
    { hubUrl: hub.url, retry: QUICK },
  );

/** Keeps the bundled model in 8 bits. */
async function keep(source: FileSource): Promise<StoredModel> {
  const model = await openCheckpoint(source);
  for (const name of COMPONENTS) {
    const precision = { linear: 'float32', weights: Q8 } as const;
    await model.fetch(name, precision, { store, chunkBytes: 2 * 1024 * 1024 });
  }
  const [stored] = await listModels(store);
  if (!stored) throw new Error('nothing is kept');
  return stored;
}

async function listed(): Promise<StoredModel | undefined> {
  return (await listModels(store))[0];
}

/** Flips a bit of the file at every request of the CDN for it. */
function damage(path: string, position: number): void {
  const oid = files.get(path)?.oid ?? '?';
  hub.fault = ({ url }) => (url.includes(oid) ? { flips: position } : undefined);
}

/** Bytes of the file's second half: in the bundled decoder, the encoder's come last. */
const late = (path: string): number => (files.get(path)?.size ?? 0) - 100;

beforeAll(async () => {
  files = await folderFiles('models/pocket');
  const other = new Uint8Array(files.get(VAE)?.size ?? 0);
  const later = new Map(files).set(VAE, servedBytes(other, VAE));
  hub = await startHubServer([
    { name: 'someone/pocket', commits: { [OLD]: files, [NEW]: later }, revisions },
  ]);
});

beforeEach(async () => {
  hub.fault = () => undefined;
  hub.requests.length = 0;
  revisions.main = OLD;
  place = await freshFolder();
  store = await place.open();
  return async () => {
    store.close();
    await place.remove();
  };
});

afterAll(() => hub.close());

test('a model is listed with its files, and with the least that is known of one', async () => {
  const model = await keep(onHub());
  expect(model.verified).toBe('ranges');
  expect(model.files.map(({ path, state }) => `${path} ${state}`).sort()).toEqual([
    'text_encoder/model.safetensors whole',
    `${TRANSFORMER} whole`,
    `${VAE} ranges`,
  ]);
  const decoder = model.files.find(({ path }) => path === VAE);
  expect(decoder).toMatchObject({ source: 'someone/pocket', sha256: files.get(VAE)?.oid });
});

test('verifying reads every file whole, and the record says so then', async () => {
  const model = await keep(onHub());
  const seen: VerifyProgress[] = [];
  hub.requests.length = 0;
  const onProgress = (progress: VerifyProgress): void => void seen.push(progress);
  const report = await verifyModel(store, model, { hubUrl: hub.url, onProgress });
  expect(report.outcome).toBe('intact');
  expect(report.files.map(({ outcome }) => outcome)).toEqual(['whole', 'whole', 'whole']);
  const all = model.files.reduce((sum, { size }) => sum + size, 0);
  expect(seen.at(-1)).toMatchObject({ fraction: 1, readBytes: all, totalBytes: all });
  const fetched = hub.requests
    .map(({ range }) => /^bytes=(\d+)-(\d+)$/.exec(range ?? ''))
    .reduce((sum, match) => sum + (match ? Number(match[2]) - Number(match[1]) + 1 : 0), 0);
  // Each is asked of the hub, and of the CDN that it redirects to.
  expect(fetched).toBe(2 * all);
  const now = await listed();
  expect(now).toMatchObject({ verified: 'whole', state: 'complete' });
  expect(now?.files.every(({ checkedAt = 0 }) => Date.now() - checkedAt < 60_000)).toBe(true);
});

test('the commit that was imported is verified, though the branch has moved on', async () => {
  const model = await keep(onHub());
  revisions.main = NEW;
  expect(await verifyModel(store, model, { hubUrl: hub.url })).toMatchObject({ outcome: 'intact' });
});

describe('a byte that is wrong', () => {
  test('in a part that was not read, on its way at each verification, is reported with both hashes', async () => {
    const model = await keep(onHub());
    damage(VAE, late(VAE));
    const report = await verifyModel(store, model, { hubUrl: hub.url });
    expect(report.outcome).toBe('unverified');
    const { outcome, expected, actual } = report.files.find(({ path }) => path === VAE) ?? {};
    expect(outcome).toBe('mismatch');
    expect(expected).toBe(`sha256:${files.get(VAE)?.oid}`);
    expect(actual).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(actual).not.toBe(expected);
    expect(await listed()).toMatchObject({ verified: 'ranges', state: 'complete' });
  });

  test('that was kept at the import by ranges is found, and fetched again by the next import', async () => {
    // The decoder is only read by ranges: nothing notices at the import.
    damage(VAE, 20_000);
    const model = await keep(onHub());
    hub.fault = () => undefined;
    const report = await verifyModel(store, model, { hubUrl: hub.url });
    expect(report.outcome).toBe('damaged');
    const damaged = report.files.filter(({ outcome }) => outcome === 'damaged');
    expect(damaged.map(({ path, tensors }) => [path, tensors.length])).toEqual([[VAE, 1]]);
    expect(await listed()).toMatchObject({ state: 'importing' });
    const again = await keep(onHub());
    expect(again.state).toBe('complete');
    expect(await verifyModel(store, again, { hubUrl: hub.url })).toMatchObject({
      outcome: 'intact',
    });
  });

  test('in the storage is found', async () => {
    const model = await keep(onHub());
    const records = await store.listCheckpoints();
    const record = records.find(({ source }) => source.endsWith('/transformer'));
    const hash = record?.chunks[0]?.hash ?? '';
    const chunk = new Uint8Array(await (await store.get(hash)).arrayBuffer());
    chunk[1000] = (chunk[1000] ?? 0) ^ 4;
    await place.overwrite(hash, chunk);
    store.close();
    store = await place.open();
    const report = await verifyModel(store, model, { hubUrl: hub.url });
    expect(report.outcome).toBe('damaged');
    await keep(onHub());
    expect(await verifyModel(store, model, { hubUrl: hub.url })).toMatchObject({
      outcome: 'intact',
    });
  });
});

describe('a model from a place that lists no hashes', () => {
  const disk = new NodeFolderSource('models/pocket');

  test('is compared with the files that are there', async () => {
    const model = await keep(disk);
    expect(model.verified).toBe('unknown');
    const report = await verifyModel(store, model, { open: () => disk });
    expect(report).toMatchObject({ outcome: 'intact' });
    expect(report.files.map(({ outcome }) => outcome)).toEqual(Array(3).fill('compared'));
    expect(await listed()).toMatchObject({ verified: 'compared' });
  });

  test('is not compared with another version of a file', async () => {
    const model = await keep(disk);
    const changed: FileSource = {
      name: disk.name,
      readText: (path) => disk.readText(path),
      exists: (path) => disk.exists(path),
      size: (path) => disk.size(path),
      revision: (path) => Promise.resolve(`later ${path}`),
      read: (path, start, end) => disk.read(path, start, end),
    };
    const report = await verifyModel(store, model, { open: () => changed });
    expect(report.outcome).toBe('unverified');
    expect(new Set(report.files.map(({ outcome }) => outcome))).toEqual(new Set(['changed']));
  });

  test('wants the folder again that it came from', async () => {
    await keep(disk);
    for (const record of await store.listCheckpoints()) {
      const renamed = checkedFiles(record).map((file) => ({ ...file, source: 'folder:pocket' }));
      const metadata = withFiles(record.metadata, renamed);
      await store.commit({ ...record, metadata, version: record.version + 1 });
    }
    const model = await listed();
    if (!model) throw new Error('nothing is kept');
    await expect(verifyModel(store, model)).rejects.toMatchObject({
      code: 'invalid-argument',
      message: expect.stringContaining('folder pocket'),
      hint: expect.stringContaining('Choose the folder again'),
    });
  });
});

test('cancelling stops the reading, and leaves the record as it is', async () => {
  const model = await keep(onHub());
  const controller = new AbortController();
  const verifying = verifyModel(store, model, {
    hubUrl: hub.url,
    signal: controller.signal,
    onProgress: () => controller.abort(),
  });
  await expect(verifying).rejects.toMatchObject({ name: 'AbortError' });
  expect(await listed()).toMatchObject({ verified: 'ranges', state: 'complete' });
});

test.each([
  ['nothing', null],
  ['something else', { files: [{ path: 3 }] }],
])(
  'a record that notes %s of its files is unknown, and cannot be verified',
  async (_, metadata) => {
    await keep(onHub());
    for (const record of await store.listCheckpoints()) {
      await store.commit({ ...record, metadata, version: record.version + 1 });
    }
    const model = await listed();
    expect(model).toMatchObject({ verified: 'unknown', files: [] });
    if (!model) throw new Error('nothing is kept');
    await expect(verifyModel(store, model)).rejects.toMatchObject({
      code: 'model-format',
      hint: expect.stringContaining('load it again'),
    });
  },
);

test('what is noted of files survives what else the metadata holds', () => {
  const file = {
    source: 'a/b',
    path: 'x.safetensors',
    size: 10,
    mark: `sha256:${'0'.repeat(64)}`,
    state: 'ranges',
    starts: [8, null],
  } as const;
  const metadata = withFiles({ other: [1, 2] }, [file]);
  expect(metadata).toMatchObject({ other: [1, 2] });
  expect(checkedFiles({ metadata })).toEqual([file]);
  expect(checkedFiles({ metadata: { files: [{ ...file, state: 'fine' }] } })).toEqual([]);
  expect(checkedFiles({ metadata: { files: [{ ...file, starts: [-1] }] } })).toEqual([]);
});
