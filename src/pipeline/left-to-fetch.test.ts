import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { ModelCheckpoint } from '../families/family.ts';
import type { CheckpointStore } from '../store/checkpoint-store.ts';
import type { Place } from '../store/test-suite.ts';
import { ANY_GPU } from '../testing/device-reports.ts';
import { repositoryFolder } from '../testing/fixtures.ts';
import { freshFolder } from '../testing/folder-place.ts';
import { encodeSafetensors, floats } from '../testing/safetensors-file.ts';
import { NodeFolderSource } from '../weights/node-source.ts';
import type { ComponentFormats, WeightsFormat } from './api.ts';
import { describeCheckpoint, openModel } from './engine.ts';
import { leftToFetch } from './left-to-fetch.ts';
import { planMemory } from './memory-plan.ts';
import { storagePrecision } from './memory-settings.ts';
import type { OpenedParts } from './open-parts.ts';

const NAMES = ['text_encoder', 'transformer', 'vae'] as const;

let place: Place;
let store: CheckpointStore;
let folder = '';

beforeEach(async () => {
  place = await freshFolder();
  store = await place.open();
  folder = await mkdtemp(join(tmpdir(), 'left-'));
});

afterEach(async () => {
  store.close();
  await place.remove();
  await rm(folder, { recursive: true });
});

async function openPocket(parts: OpenedParts = {}): Promise<ModelCheckpoint> {
  return openModel(await repositoryFolder('models/pocket'), parts);
}

/** Keeps the model as loading it does. */
async function keep(
  model: ModelCheckpoint,
  formats: ComponentFormats | WeightsFormat,
): Promise<void> {
  for (const name of NAMES) {
    const format = typeof formats === 'string' ? formats : formats[name];
    await model.fetch(name, storagePrecision(format), { store });
  }
}

/** Bytes that loading would fetch. */
async function left(
  model: ModelCheckpoint,
  weights: ComponentFormats | WeightsFormat,
): Promise<number> {
  const source = await repositoryFolder('models/pocket');
  const plan = planMemory(model, ANY_GPU, { memory: { weights } });
  return leftToFetch(await store.listCheckpoints(), describeCheckpoint(source, model), plan);
}

/** A LoRA that adds something to one tensor. */
async function lora(scale: number): Promise<NonNullable<OpenedParts['loras']>[number]> {
  const config = JSON.parse(await readFile('models/pocket/transformer/config.json', 'utf8')) as {
    num_attention_heads: number;
    attention_head_dim: number;
  };
  const width = config.num_attention_heads * config.attention_head_dim;
  const difference = floats(...Array.from({ length: width }, () => 1));
  const file = encodeSafetensors(new Map([['diffusion_model.blocks.0.norm3.diff', difference]]));
  await writeFile(join(folder, 'x.safetensors'), file);
  return { source: new NodeFolderSource(folder), path: 'x.safetensors', scale };
}

test('a model is there in the formats that it was kept in, and in no other', async () => {
  const model = await openPocket();
  const whole = model.components.reduce((sum, { bytes }) => sum + bytes, 0);
  expect(await left(model, 'q8')).toBe(whole);
  await keep(model, 'q8');
  expect(await left(model, 'q8')).toBe(0);
  // The decoder has nothing to quantize.
  const decoder = model.components.find(({ name }) => name === 'vae')?.bytes ?? 0;
  expect(await left(model, 'q4')).toBe(whole - decoder);
  const mixed = { text_encoder: 'q4', transformer: 'q8', vae: 'q8' } as const;
  const encoder = model.components.find(({ name }) => name === 'text_encoder')?.bytes ?? 0;
  expect(await left(model, mixed)).toBe(encoder);
  // Published in half floats: keeping them so converts nothing.
  await keep(model, 'f16');
  expect(await left(model, 'f16')).toBe(0);
});

test('what another release stored in another layout is fetched', async () => {
  const model = await openPocket();
  await keep(model, 'q8');
  const transformer = model.components.find(({ name }) => name === 'transformer')?.bytes ?? 0;
  const record = (await store.listCheckpoints()).find(({ id }) => id.includes('/transformer@'));
  await place.overwriteRecord(record?.id ?? '', (stored) => ({ ...stored, formatVersion: 7 }));
  expect(await left(model, 'q8')).toBe(transformer);
});

test('with a LoRA only the transformer is another one', async () => {
  const model = await openPocket();
  await keep(model, 'q8');
  const merged = await openPocket({ loras: [await lora(0.5)] });
  const transformer = merged.components.find(({ name }) => name === 'transformer')?.bytes ?? 0;
  expect(transformer).toBeGreaterThan(
    model.components.find(({ name }) => name === 'transformer')?.bytes ?? 0,
  );
  expect(await left(merged, 'q8')).toBe(transformer);
  await keep(merged, 'q8');
  expect(await left(merged, 'q8')).toBe(0);
  expect(await left(model, 'q8')).toBe(0);
  expect(await left(await openPocket({ loras: [await lora(1)] }), 'q8')).toBe(transformer);
});

test('another component is known by its place', async () => {
  const vae = { source: await repositoryFolder('models/pocket'), path: 'vae' };
  const model = await openPocket({ components: { vae } });
  await keep(model, 'q8');
  expect(await left(model, 'q8')).toBe(0);
  const bytes = model.components.find(({ name }) => name === 'vae')?.bytes ?? 0;
  expect(await left(await openPocket(), 'q8')).toBe(bytes);
});

test('a fast decoder is kept by itself', async () => {
  const source = await repositoryFolder('models/parity/fixtures/taehv-21');
  const model = await openPocket({ fastDecoder: { source, path: '' } });
  await keep(model, 'q8');
  const bytes = model.components.find(({ name }) => name === 'fast_decoder')?.bytes ?? 0;
  expect(bytes).toBeGreaterThan(0);
  expect(await left(model, 'q8')).toBe(bytes);
  await model.fastDecoder?.fetch({ store });
  expect(await left(model, 'q8')).toBe(0);
});
