import { cp, mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { NodeFolderSource } from '../weights/node-source.ts';
import { openCheckpoint } from './open-checkpoint.ts';

const TRANSFORMER = 'transformer/diffusion_pytorch_model.safetensors';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'checkpoint-'));
  await cp('models/pocket', folder, { recursive: true });
});

afterEach(() => rm(folder, { recursive: true }));

type Json = Record<string, unknown>;

async function editJson(path: string, fields: Json): Promise<void> {
  const json = JSON.parse(await readFile(join(folder, path), 'utf8')) as Json;
  await writeFile(join(folder, path), JSON.stringify({ ...json, ...fields }));
}

/** Edits one entry of a safetensors header; the data stay as they are. */
async function editTensor(
  path: string,
  name: string,
  edit: (entry: Json) => Json | undefined,
): Promise<void> {
  const file = await readFile(join(folder, path));
  const length = Number(file.readBigUInt64LE(0));
  const header = JSON.parse(file.toString('utf8', 8, 8 + length)) as Record<string, Json>;
  const { [name]: entry, ...others } = header;
  if (!entry) throw new Error(`no tensor ${name}`);
  const edited = edit(entry);
  const text = Buffer.from(JSON.stringify(edited ? { ...others, [name]: edited } : others));
  const prefix = Buffer.alloc(8);
  prefix.writeBigUInt64LE(BigInt(text.length));
  await writeFile(join(folder, path), Buffer.concat([prefix, text, file.subarray(8 + length)]));
}

async function expectRefusal(...words: readonly string[]): Promise<void> {
  const opening = openCheckpoint(new NodeFolderSource(folder));
  await expect(opening).rejects.toMatchObject({ code: 'model-format' });
  for (const word of words) await expect(opening).rejects.toThrow(word);
}

test('a whole checkpoint is opened, and says what it is', async () => {
  const checkpoint = await openCheckpoint(new NodeFolderSource(folder));
  expect(checkpoint.pipelineClass).toBe('WanPipeline');
  expect(checkpoint.constraints).toMatchObject({ sizeMultiple: 16, frameMultiple: 4 });
  expect(checkpoint.latentShape({ width: 32, height: 16, numFrames: 9 })).toEqual({
    channels: 16,
    frames: 3,
    height: 2,
    width: 4,
  });
});

describe('a checkpoint is refused', () => {
  test.each([
    'model_index.json',
    'transformer/config.json',
    'vae/config.json',
    'text_encoder/config.json',
    'scheduler/scheduler_config.json',
    'tokenizer/tokenizer.json',
    TRANSFORMER,
    'text_encoder/model.safetensors',
  ])('without %s', async (path) => {
    await rm(join(folder, path));
    await expectRefusal(path);
  });

  test('with a page in the place of a configuration', async () => {
    await writeFile(join(folder, 'vae/config.json'), '<!doctype html>');
    await expectRefusal('vae/config.json', 'not JSON');
  });

  test('of another pipeline, or of none', async () => {
    for (const className of ['LTXPipeline', 'toString', undefined, 7]) {
      await editJson('model_index.json', { _class_name: className });
      await expectRefusal(typeof className === 'string' ? className : 'no named class');
    }
  });

  test('with two transformers', async () => {
    const transformer_2 = ['diffusers', 'WanTransformer3DModel'];
    await editJson('model_index.json', { transformer_2 });
    await expectRefusal('second transformer');
  });

  test('without a tensor that is needed', async () => {
    await editTensor(TRANSFORMER, 'blocks.3.ffn.net.2.weight', () => undefined);
    await expectRefusal('no tensor blocks.3.ffn.net.2.weight', 'transformer');
  });

  test('with a tensor of another shape', async () => {
    await editTensor(TRANSFORMER, 'blocks.0.attn1.to_q.weight', (entry) => ({
      ...entry,
      shape: [192 * 192],
    }));
    await expectRefusal('blocks.0.attn1.to_q.weight', '[36864]', '[192, 192]');
  });

  test('with a tensor of another element type', async () => {
    await editTensor(TRANSFORMER, 'blocks.0.attn1.to_q.weight', (entry) => ({
      ...entry,
      dtype: 'I16',
    }));
    await expectRefusal('blocks.0.attn1.to_q.weight', 'I16');
  });

  test('with weights that are cut short', async () => {
    await truncate(join(folder, TRANSFORMER), 4_000_000);
    await expectRefusal(TRANSFORMER, 'cut short');
  });

  test('with components that do not fit each other', async () => {
    await editJson('transformer/config.json', { text_dim: 64 });
    await expectRefusal('do not fit', 'text 128', 'transformer 64');
    await editJson('transformer/config.json', { text_dim: 128, in_channels: 36 });
    await expectRefusal('do not fit', 'in 36');
  });
});
