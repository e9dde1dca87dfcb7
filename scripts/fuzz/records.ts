/** @file A store in which one model's record is damaged: it may be lost, its neighbour may not. */
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deleteModel, listModels } from '../../src/pipeline/stored-models.ts';
import { openFolderStore } from '../../src/store/folder-backend.ts';
import {
  type CheckpointRecord,
  CheckpointReader,
  type CheckpointStore,
  CheckpointWriter,
} from '../../src/store/index.ts';
import { applyEdits, type BaseFiles, type Edit, randomEdit } from './edits.ts';
import { type Target, WrongResult } from './target.ts';

const RECORD = 'record.json';

/** A file system in memory, where there is one: a store waits for the disk after every write. */
const MEMORY = existsSync('/dev/shm') ? '/dev/shm' : undefined;

/** Parts of two tensors in three chunks. */
const TENSORS = [
  { name: 'a', length: 100 },
  { name: 'b', length: 64 },
] as const;

/** A file that is a model by itself is listed under its own address. */
const sourceOf = (id: string): string => `hub/${id}.safetensors`;

const NEIGHBOUR = sourceOf('second one');

function bytesOf(id: string, length: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length }, (_, i) => (i * 7 + id.length) % 256);
}

async function importModel(store: CheckpointStore, id: string): Promise<void> {
  const identity = { id, source: sourceOf(id), revision: 'r', format: 'f16' };
  const writer = await CheckpointWriter.open(store, identity, { chunkBytes: 64 });
  for (const { name, length } of TENSORS) {
    const parts = [{ name: 'data', byteLength: length }];
    const spec = { name, storage: 'f16', dtype: 'F16', shape: [length / 2], parts };
    await writer.append(spec, (_, start) => bytesOf(id, length).subarray(start));
  }
  await writer.finish({ metadata: { config: { dim: 3 } } });
}

interface Place {
  readonly folder: string;
  /** The files of an intact store, by folder and name. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** The id of the record that cases damage. */
  readonly path: string;
  readonly base: BaseFiles;
}

const FOLDERS = ['chunks', 'checkpoints'];

let place: Promise<Place> | undefined;

async function makePlace(): Promise<Place> {
  const folder = await mkdtemp(join(MEMORY ?? tmpdir(), 'fuzz-records-'));
  const store = await openFolderStore(folder);
  await importModel(store, 'first');
  const [name = ''] = await readdir(join(folder, 'checkpoints'));
  await importModel(store, 'second one');
  store.close();
  const files = new Map<string, Uint8Array>();
  for (const each of FOLDERS) {
    for (const file of await readdir(join(folder, each))) {
      files.set(join(each, file), await readFile(join(folder, each, file)));
    }
  }
  const path = join('checkpoints', name);
  const json: unknown = JSON.parse(new TextDecoder().decode(files.get(path)));
  return { folder, files, path, base: new Map([[RECORD, { json }]]) };
}

async function restore({ folder, files, path }: Place, text: string | undefined): Promise<void> {
  const there = new Set<string>();
  for (const each of FOLDERS) {
    for (const file of await readdir(join(folder, each))) {
      const name = join(each, file);
      // Chunks have their hash for a name: what is there is right.
      if (files.has(name)) there.add(name);
      else await rm(join(folder, name), { force: true });
    }
  }
  for (const [file, bytes] of files) {
    if (file !== path && !there.has(file)) await writeFile(join(folder, file), bytes);
  }
  if (text === undefined) await rm(join(folder, path), { force: true });
  else await writeFile(join(folder, path), text);
}

/** All of the record's tensors. @throws As the reader. */
async function readAll(store: CheckpointStore, record: CheckpointRecord): Promise<void> {
  const reader = new CheckpointReader(store, record);
  for (const { name, parts } of record.tensors.values()) {
    for (const part of parts) {
      const bytes = await reader.readTensor(name, part.name);
      if (bytes.length !== part.byteLength)
        throw new WrongResult(`${bytes.length} bytes of ${name}`);
    }
  }
}

async function checkNeighbour(store: CheckpointStore): Promise<void> {
  const record = await store.peekCheckpoint('second one');
  if (!record) throw new WrongResult('the other model is lost');
  const reader = new CheckpointReader(store, record);
  for (const { name, length } of TENSORS) {
    const bytes = await reader.readTensor(name);
    const right = bytesOf('second one', length);
    if (bytes.length !== length || bytes.some((value, i) => value !== right[i])) {
      throw new WrongResult('the other model has other bytes');
    }
  }
}

/** A case's edits are of the record of the model `first`. */
export const records: Target = {
  name: 'records',
  about: 'a damaged record among others: listing, reading, importing again, deleting',
  generate: (random) => ({
    edits: Array.from({ length: random.pick([1, 1, 2, 3]) }, () =>
      randomEdit(RECORD_SHAPE, random),
    ),
  }),
  async run(input) {
    place ??= makePlace();
    const made = await place;
    const text = applyEdits(made.base, input['edits'] as readonly Edit[]).get(RECORD);
    await restore(made, text as string | undefined);
    const store = await openFolderStore(made.folder);
    try {
      const models = await listModels(store);
      if (!models.some(({ source }) => source === NEIGHBOUR)) {
        throw new WrongResult('the other model is not listed');
      }
      await checkNeighbour(store);
      await useDamaged(store);
      for (const model of await listModels(store)) {
        if (model.source !== NEIGHBOUR) await deleteModel(store, model);
      }
      await store.collectGarbage();
      await checkNeighbour(store);
    } finally {
      store.close();
    }
  },
  async close() {
    if (place) await rm((await place).folder, { recursive: true, force: true });
    place = undefined;
  },
};

/** What a page does with a model: it reads it, or imports it again. A refusal that says what to do is a good end, too. */
async function useDamaged(store: CheckpointStore): Promise<void> {
  const record = await store.openCheckpoint('first');
  if (record?.state === 'complete') await readAll(store, record);
  else await importModel(store, 'first');
}

/** The record's shape, from which edits are drawn: they depend on the seed alone, not on what the clock said. */
const RECORD_SHAPE: BaseFiles = new Map([
  [
    RECORD,
    {
      json: {
        id: 'first',
        source: sourceOf('first'),
        revision: 'r',
        format: 'f16',
        state: 'complete',
        createdAt: 1,
        lastUsedAt: 1,
        totalBytes: 176,
        chunkBytes: 64,
        chunks: Array.from({ length: 3 }, () => ({ hash: 'h', byteLength: 64 })),
        metadata: { config: { dim: 3 } },
        version: 5,
        tensors: TENSORS.map(({ name, length }) => [
          name,
          {
            name,
            storage: 'f16',
            dtype: 'F16',
            shape: [length / 2],
            parts: [
              {
                name: 'data',
                byteLength: length,
                location: [
                  { hash: 'h', offset: 0, length: 64 },
                  { hash: 'h', offset: 0, length: 36 },
                ],
              },
            ],
          },
        ]),
      },
    },
  ],
]);
