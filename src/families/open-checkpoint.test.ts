import { cp, mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  editSafetensorsFile,
  encodeSafetensors,
  type FileTensor,
  floats,
} from '../testing/safetensors-file.ts';
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
function editTensor(
  path: string,
  name: string,
  edit: (entry: FileTensor) => Partial<FileTensor>,
): Promise<void> {
  return editSafetensorsFile(join(folder, path), (tensors) => {
    const entry = tensors.get(name);
    if (!entry) throw new Error(`no tensor ${name}`);
    tensors.set(name, { ...entry, ...edit(entry) });
  });
}

function addTensor(path: string, name: string): Promise<void> {
  return editSafetensorsFile(join(folder, path), (tensors) => void tensors.set(name, floats(1)));
}

async function expectRefusal(...words: readonly string[]): Promise<void> {
  const opening = openCheckpoint(new NodeFolderSource(folder));
  await expect(opening).rejects.toMatchObject({ code: 'model-format' });
  for (const word of words) await expect(opening).rejects.toThrow(word);
}

test('a distillation under the name of FastVideo is a Wan', async () => {
  await editJson('model_index.json', { _class_name: 'WanDMDPipeline' });
  const { components } = await openCheckpoint(new NodeFolderSource(folder));
  expect(components.map(({ name }) => name)).toEqual(['text_encoder', 'transformer', 'vae']);
});

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

test('colours of latents that do not fit them are refused', async () => {
  const row = [0, 0, 0];
  const colours = { pixels: 1, factors: Array.from({ length: 16 }, () => row), bias: row };
  await editJson('zoetrope.json', { latentColours: colours });
  const { latentColours } = await openCheckpoint(new NodeFolderSource(folder));
  expect(latentColours).toEqual(colours);
  for (const wrong of [
    { ...colours, pixels: 2 },
    { ...colours, factors: [row] },
    { ...colours, bias: [0, 0, null] },
    'red',
  ]) {
    await editJson('zoetrope.json', { latentColours: wrong });
    const opening = openCheckpoint(new NodeFolderSource(folder));
    await expect(opening).rejects.toMatchObject({
      code: 'model-format',
      message: expect.stringContaining('latentColours'),
    });
  }
});

test('prompts that nobody could be helped with are refused', async () => {
  const { prompts } = await openCheckpoint(new NodeFolderSource(folder));
  expect(prompts?.builder.colours).toContain('red');
  for (const [wrong, fault] of [
    [{ ...prompts, words: [] }, 'prompts.words is empty'],
    [{ ...prompts, samples: [7] }, 'prompts.samples[0]'],
    [null, 'prompts is not an object'],
  ] as const) {
    await editJson('zoetrope.json', { prompts: wrong });
    await expectRefusal('zoetrope.json', fault);
  }
  await editJson('zoetrope.json', { prompts: undefined });
  expect(await openCheckpoint(new NodeFolderSource(folder))).not.toHaveProperty('prompts');
});

test('tensors of a distillation are ignored, and the notice says what is lost', async () => {
  await addTensor(TRANSFORMER, 'blocks.0.to_gate_compress.weight');
  await addTensor(TRANSFORMER, 'blocks.0.to_gate_compress.bias');
  await addTensor(TRANSFORMER, 'blocks.1.attn1.attn_op.local_attn.proj_l.weight');
  await addTensor('text_encoder/model.safetensors', 'encoder.embed_tokens.weight');
  const { notices, components } = await openCheckpoint(new NodeFolderSource(folder));
  expect(notices).toEqual([
    {
      code: 'tensors-ignored',
      message: expect.stringMatching(
        /^Not used: blocks.0.to_gate_compress.weight and 1 .*FastVideo/,
      ),
    },
    {
      code: 'tensors-ignored',
      message: expect.stringMatching(/^Not used: blocks.1.attn1.attn_op.local_attn.proj_l.*Turbo/),
    },
  ]);
  // They are not fetched.
  const { components: plain } = await openCheckpoint(new NodeFolderSource('models/pocket'));
  expect(components).toEqual(plain);
});

describe('another transformer', () => {
  const original = 'models/parity/fixtures/wan-transformer-e';

  test.each(['', 'transformer'])(
    'is taken from a pipeline’s folder, or its own: %j',
    async (path) => {
      await editJson('transformer/config.json', { num_layers: 2 });
      await editSafetensorsFile(join(folder, TRANSFORMER), (tensors) => {
        for (const name of tensors.keys()) if (/^blocks\.[2-9]/.test(name)) tensors.delete(name);
      });
      const transformer = { source: new NodeFolderSource(folder), path };
      const base = new NodeFolderSource('models/pocket');
      const whole = await openCheckpoint(base);
      const { components } = await openCheckpoint(base, { components: { transformer } });
      expect(components[0]).toEqual(whole.components[0]);
      expect(components[1]).toMatchObject({ name: 'transformer', source: `${folder}/transformer` });
      expect(components[1]?.bytes).toBeLessThan(0.6 * (whole.components[1]?.bytes ?? 0));
    },
  );

  test('must fit the rest', async () => {
    const transformer = { source: new NodeFolderSource(original), path: '' };
    const opening = openCheckpoint(new NodeFolderSource(folder), { components: { transformer } });
    await expect(opening).rejects.toThrow('do not fit');
  });

  test('is refused if it is of another task', async () => {
    await cp(original, join(folder, 'other'), { recursive: true });
    await editJson('other/config.json', { model_type: 'i2v' });
    const transformer = { source: new NodeFolderSource(folder), path: 'other' };
    const opening = openCheckpoint(new NodeFolderSource(folder), { components: { transformer } });
    await expect(opening).rejects.toThrow('other/config.json: model_type is "i2v"');
  });

  test('of one file has heads of 128', async () => {
    const transformer = { source: new NodeFolderSource(folder), path: TRANSFORMER };
    const opening = openCheckpoint(new NodeFolderSource(folder), { components: { transformer } });
    await expect(opening).rejects.toThrow('192 wide, which is no number of heads of 128');
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

  test.each([
    ['WanImageToVideoPipeline', 'a Wan that starts from a picture'],
    ['WanVACEPipeline', 'a Wan VACE, for editing videos'],
    ['HunyuanVideoPipeline', 'a HunyuanVideo'],
    ['LTXPipeline', 'an LTX-Video'],
    ['StableDiffusionXLPipeline', 'a model for pictures'],
  ])('of a family that is known, and what runs is named: %s', async (className, kind) => {
    await editJson('model_index.json', { _class_name: className });
    await expectRefusal(`is not supported: it is ${kind} (${className}).`);
    await expect(openCheckpoint(new NodeFolderSource(folder))).rejects.toMatchObject({
      hint: expect.stringContaining('Wan-AI/Wan2.1-T2V-1.3B-Diffusers'),
    });
  });

  test('of an image-to-video model, by its configuration alone', async () => {
    await editJson('transformer/config.json', { image_dim: 1280 });
    await expectRefusal('transformer/config.json', 'image_dim is 1280', 'an image-to-video model');
  });

  test('with two transformers', async () => {
    const transformer_2 = ['diffusers', 'WanTransformer3DModel'];
    await editJson('model_index.json', { transformer_2 });
    await expectRefusal('second transformer');
  });

  test('without a tensor that is needed', async () => {
    await editSafetensorsFile(join(folder, TRANSFORMER), (tensors) => {
      tensors.delete('blocks.3.ffn.net.2.weight');
    });
    await expectRefusal('no tensor blocks.3.ffn.net.2.weight', 'transformer');
  });

  test('with a tensor of another shape', async () => {
    await editTensor(TRANSFORMER, 'blocks.0.attn1.to_q.weight', () => ({ shape: [192 * 192] }));
    await expectRefusal('blocks.0.attn1.to_q.weight', '[36864]', '[192, 192]');
  });

  test('with a tensor of another element type', async () => {
    await editTensor(TRANSFORMER, 'blocks.0.attn1.to_q.weight', () => ({ dtype: 'I16' }));
    await expectRefusal('blocks.0.attn1.to_q.weight', 'I16');
  });

  test('with weights that are cut short', async () => {
    await truncate(join(folder, TRANSFORMER), 4_000_000);
    await expectRefusal(TRANSFORMER, 'cut short');
  });

  test.each([
    ['transformer', 'blocks.0.attn1.to_q.weight_extra', 'no supported model'],
    ['transformer', 'blocks.6.norm2.weight', 'no supported model'],
    ['transformer', 'blocks.0.attn2.add_k_proj.weight', 'an image-to-video model'],
    ['transformer', 'vace_blocks.0.proj_in.weight', 'a VACE model'],
    ['transformer', 'blocks.0.attn1.to_q.scale_weight', 'FP8 weights'],
    ['transformer', 'blocks.0.attn1.to_q.lora_A.weight', 'a LoRA'],
    ['vae', 'decoder.up_blocks.9.resnets.0.conv1.weight', 'no supported model'],
  ])('with a tensor in %s that nobody asked for: %s', async (component, name, reason) => {
    await addTensor(`${component}/diffusion_pytorch_model.safetensors`, name);
    await expectRefusal(name, component, reason);
  });

  test('with one tensor in two files', async () => {
    await editSafetensorsFile(join(folder, TRANSFORMER), (tensors) => {
      const weight_map: Record<string, string> = {};
      for (const name of tensors.keys()) weight_map[name] = 'one.safetensors';
      weight_map['proj_out.bias'] = 'two.safetensors';
      const index = JSON.stringify({ weight_map });
      writeFileSync(join(folder, `${TRANSFORMER}.index.json`), index);
    });
    await cp(join(folder, TRANSFORMER), join(folder, 'transformer/one.safetensors'));
    await writeFile(
      join(folder, 'transformer/two.safetensors'),
      encodeSafetensors(new Map([['proj_out.bias', floats(1)]])),
    );
    await rm(join(folder, TRANSFORMER));
    await expectRefusal('proj_out.bias', 'twice', 'two.safetensors');
  });

  test('in Wan’s original layout, with a word on what to do', async () => {
    await rm(join(folder, 'model_index.json'));
    await writeFile(join(folder, 'config.json'), JSON.stringify({ _class_name: 'WanModel' }));
    await expectRefusal('original layout', '.pth');
    await expect(openCheckpoint(new NodeFolderSource(folder))).rejects.toMatchObject({
      hint: expect.stringMatching(/-Diffusers.*`transformer`/),
    });
  });

  test('with components that do not fit each other', async () => {
    await editJson('transformer/config.json', { text_dim: 64 });
    await expectRefusal('do not fit together', 'takes 64 numbers', 'text encoder makes 128');
    await editJson('transformer/config.json', { text_dim: 128, in_channels: 36 });
    await expectRefusal('do not fit together', 'latents of 36 channels');
  });
});
