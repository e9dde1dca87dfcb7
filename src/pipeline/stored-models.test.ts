import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CheckpointStore } from '../store/checkpoint-store.ts';
import { openFolderStore } from '../store/folder-backend.ts';
import { CheckpointWriter } from '../store/writer.ts';
import { deleteModel, listModels } from './stored-models.ts';

const SOURCE = 'https://example.org/models/small';

let folder = '';
let store: CheckpointStore;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'zoetrope-models-'));
  store = await openFolderStore(folder);
});

afterEach(() => rm(folder, { recursive: true }));

/** Keeps four bytes of a component, and finishes its import or leaves it. */
async function keep(
  component: string,
  format: string,
  { isCut = false, variant }: { isCut?: boolean; variant?: string } = {},
): Promise<string> {
  const source = `${SOURCE}/${component}`;
  const id = `${source}@1#${format}${variant ?? ''}`;
  const identity = { id, source, revision: '1', format, ...(variant ? { variant } : {}) };
  const writer = await CheckpointWriter.open(store, identity, { chunkBytes: 16 });
  const parts = [{ name: 'data', byteLength: isCut ? 32 : 4 }];
  const spec = { name: 'weight', storage: format, dtype: 'F32', shape: [1], parts };
  const bytes = new TextEncoder().encode(id.slice(-16).padStart(16));
  const append = writer.append(spec, async function* () {
    yield bytes.slice(0, isCut ? 16 : 4);
    if (isCut) throw new Error('killed');
  });
  if (isCut) await expect(append).rejects.toThrow('killed');
  else {
    await append;
    await writer.finish();
  }
  return id;
}

/** Replaces a record by a text. */
async function damage(id: string, text: string): Promise<void> {
  await writeFile(join(folder, 'checkpoints', `${encodeURIComponent(id)}.json`), text);
}

describe('stored models', () => {
  it('are their components together', async () => {
    for (const component of ['text_encoder', 'transformer', 'vae']) await keep(component, 'source');
    expect(await listModels(store)).toMatchObject([
      { source: SOURCE, name: 'small', format: 'source', state: 'complete', bytes: 12 },
    ]);
  });

  it('are incomplete without all components', async () => {
    await keep('text_encoder', 'source');
    expect(await listModels(store)).toMatchObject([{ state: 'importing', bytes: 4 }]);
    await keep('transformer', 'source');
    await keep('vae', 'source', { isCut: true });
    expect(await listModels(store)).toMatchObject([{ state: 'importing', bytes: 24 }]);
  });

  it('take what has nothing to quantize as it came', async () => {
    await keep('text_encoder', 'q8');
    await keep('transformer', 'q8');
    const decoder = await keep('vae', 'source');
    const [model, ...others] = await listModels(store);
    expect(others).toEqual([]);
    expect(model).toMatchObject({ format: 'q8', state: 'complete' });
    expect(model?.checkpointIds).toContain(decoder);
  });

  it('may have a text encoder in a format of its own', async () => {
    const encoder = await keep('text_encoder', 'q4');
    await keep('transformer', 'q8');
    await keep('vae', 'source');
    const [model, ...others] = await listModels(store);
    expect(others).toEqual([]);
    expect(model).toMatchObject({ format: 'q8', state: 'complete', bytes: 12 });
    expect(model?.checkpointIds).toContain(encoder);
  });

  it('are listed apart from the same model with a LoRA, with which they share components', async () => {
    for (const component of ['text_encoder', 'vae']) await keep(component, 'source');
    const variant = 'lora x';
    const merged = await keep('transformer', 'q8', { variant });
    // Without its own transformer, the model as it came is only a part.
    expect(await listModels(store)).toMatchObject([
      { variant, format: 'q8', state: 'complete', bytes: 12 },
    ]);
    await keep('transformer', 'q8');
    const models = await listModels(store);
    expect(new Set(models.map((model) => model.variant))).toEqual(new Set([variant, undefined]));
    expect(models.map(({ state }) => state)).toEqual(['complete', 'complete']);
    const plain = models.find((model) => model.variant === undefined);
    if (!plain) throw new Error('no plain model');
    expect(plain.checkpointIds).not.toContain(merged);
    await deleteModel(store, plain);
    expect(await listModels(store)).toMatchObject([{ variant, state: 'complete' }]);
  });

  it('leave what another shares when they are deleted', async () => {
    for (const format of ['q8', 'source']) {
      await keep('text_encoder', format);
      await keep('transformer', format);
    }
    await keep('vae', 'source');
    const quantized = (await listModels(store)).find(({ format }) => format === 'q8');
    if (!quantized) throw new Error('no quantized model');
    await deleteModel(store, quantized);
    expect(await listModels(store)).toMatchObject([{ format: 'source', state: 'complete' }]);
    await deleteModel(store, quantized);
    expect(await listModels(store)).toHaveLength(1);
  });

  it('free their bytes when they are deleted', async () => {
    for (const component of ['text_encoder', 'transformer', 'vae']) await keep(component, 'q4');
    const hashes = (await store.listCheckpoints()).flatMap(({ chunks }) => chunks);
    for (const model of await listModels(store)) await deleteModel(store, model);
    expect(await store.listCheckpoints()).toEqual([]);
    for (const { hash } of hashes) expect(await store.has(hash)).toBe(false);
  });

  describe('with a damaged record', () => {
    it('are listed as damaged, beside those that are not', async () => {
      for (const component of ['text_encoder', 'transformer']) {
        await keep(component, 'q8');
        await keep(component, 'source');
      }
      await keep('vae', 'source');
      const id = `${SOURCE}/transformer@1#q8`;
      for (const text of ['', '{}', 'null', JSON.stringify({ id, source: 5 })]) {
        await damage(id, text);
        const models = await listModels(store);
        expect(models).toHaveLength(2);
        expect(models.find(({ format }) => format === 'source')).toMatchObject({
          state: 'complete',
        });
        expect(models.find(({ format }) => format === 'q8')).toMatchObject({
          source: SOURCE,
          state: 'damaged',
          damage: expect.stringMatching(/^transformer: its (record|source)/),
        });
      }
    });

    it('can be deleted, and free what is theirs', async () => {
      for (const component of ['text_encoder', 'transformer', 'vae'])
        await keep(component, 'source');
      const hashes = (await store.listCheckpoints()).flatMap(({ chunks }) => chunks);
      await damage(`${SOURCE}/transformer@1#source`, '');
      const [model] = await listModels(store);
      if (!model) throw new Error('no model');
      await deleteModel(store, model);
      expect(await listModels(store)).toEqual([]);
      for (const { hash } of hashes) expect(await store.has(hash)).toBe(false);
    });

    it('stand for themselves if nothing says what they are', async () => {
      await keep('text_encoder', 'source');
      await damage('constructor', '');
      await damage('__proto__', '[]');
      const models = await listModels(store);
      expect(models.map(({ name, state }) => [name, state])).toEqual([
        ['small', 'importing'],
        ['__proto__', 'damaged'],
        ['constructor', 'damaged'],
      ]);
      for (const model of models) await deleteModel(store, model);
      expect(await listModels(store)).toEqual([]);
    });
  });

  it('wait for an import before they are deleted, unless that is aborted', async () => {
    const id = await keep('text_encoder', 'source');
    const [model] = await listModels(store);
    if (!model) throw new Error('no model');
    const controller = new AbortController();
    const refused: Promise<void>[] = [];
    await store.withImportLock(id, async () => {
      refused.push(deleteModel(store, model, controller.signal));
      await Promise.resolve();
      controller.abort();
    });
    await expect(Promise.all(refused)).rejects.toThrow(DOMException);
    expect(await listModels(store)).toHaveLength(1);
  });
});
