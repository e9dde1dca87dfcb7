import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { encodeSafetensors, type FileTensor } from '../../testing/safetensors-file.ts';
import { NodeFolderSource } from '../../weights/node-source.ts';
import type { ModelCheckpoint } from '../family.ts';
import { openCheckpoint } from '../open-checkpoint.ts';

/** The bundled model's. */
const WIDTH = 192;
const RANK = 2;

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lora-causes-'));
});

afterAll(() => rm(folder, { recursive: true }));

function zeros(...shape: number[]): FileTensor {
  const data = new Uint8Array(4 * shape.reduce((a, b) => a * b, 1));
  return { dtype: 'F32', shape, data };
}

type Tensors = Readonly<Record<string, FileTensor>>;

const matrices = (module: string, width = WIDTH, columns = width): Tensors => ({
  [`${module}.lora_A.weight`]: zeros(RANK, columns),
  [`${module}.lora_B.weight`]: zeros(width, RANK),
});

async function open(...tensors: Tensors[]): Promise<ModelCheckpoint> {
  const entries = Object.entries(Object.assign({}, ...tensors) as Tensors);
  await writeFile(join(folder, 'x.safetensors'), encodeSafetensors(new Map(entries)));
  const lora = { source: new NodeFolderSource(folder), path: 'x.safetensors', scale: 1 };
  return openCheckpoint(new NodeFolderSource('models/pocket'), { loras: [lora] });
}

const PREFIX = 'diffusion_model.blocks.0.';

describe('a LoRA for image-to-video', () => {
  test.each([
    [
      'Wan’s names',
      {
        ...matrices(`${PREFIX}cross_attn.k_img`),
        [`${PREFIX}cross_attn.norm_k_img.diff`]: zeros(WIDTH),
      },
      'blocks.0.cross_attn.k_img and 1 more',
    ],
    [
      'diffusers’ names',
      matrices('transformer.blocks.0.attn2.add_v_proj'),
      'blocks.0.attn2.add_v_proj',
    ],
    [
      'flat names',
      {
        'lora_unet_blocks_0_cross_attn_v_img.lora_down.weight': zeros(RANK, WIDTH),
        'lora_unet_blocks_0_cross_attn_v_img.lora_up.weight': zeros(WIDTH, RANK),
      },
      'blocks_0_cross_attn_v_img',
    ],
    [
      'a layer for pictures',
      {
        'diffusion_model.img_emb.proj.1.diff': zeros(4),
        'diffusion_model.img_emb.proj.1.diff_b': zeros(4),
      },
      'img_emb.proj.1',
    ],
    [
      '36 channels',
      { 'diffusion_model.patch_embedding.diff': zeros(WIDTH, 36, 1, 2, 2) },
      'patch_embedding',
    ],
    [
      '36 channels in matrices',
      {
        'diffusion_model.patch_embedding.lora_down.weight': zeros(RANK, 36, 1, 2, 2),
        'diffusion_model.patch_embedding.lora_up.weight': zeros(WIDTH, RANK, 1, 1, 1),
      },
      'patch_embedding',
    ],
  ])('is merged as far as it fits, and a notice names the rest: %s', async (_, rest, named) => {
    const { loras, notices } = await open(matrices(`${PREFIX}self_attn.q`), rest);
    expect(loras).toMatchObject([{ tensors: 1 }]);
    expect(notices).toEqual([
      {
        code: 'tensors-ignored',
        message: expect.stringMatching(
          /^The LoRA x\.safetensors .*What fits is merged; left out: /,
        ),
      },
    ]);
    expect(notices[0]?.message).toContain(named);
    expect(notices[0]?.message).toContain('which only image-to-video models have');
  });

  test('changes nothing of what fits', async () => {
    const plain = await open(matrices(`${PREFIX}self_attn.q`));
    expect(plain.notices).toEqual([]);
  });

  test('is refused if nothing of it fits', async () => {
    await expect(open(matrices(`${PREFIX}cross_attn.k_img`))).rejects.toMatchObject({
      code: 'model-format',
      message: expect.stringContaining('nothing in the model for it'),
    });
  });
});

describe('a LoRA for another size of model', () => {
  test.each([
    [5120, '5120 wide (Wan 14B)'],
    [1536, '1536 wide (Wan 1.3B)'],
    [64, '64 wide'],
  ])('is named: %d', async (width, named) => {
    await expect(open(matrices(`${PREFIX}self_attn.q`, width))).rejects.toMatchObject({
      code: 'model-format',
      message: expect.stringContaining(
        `made for a model that is ${named}; this one is ${WIDTH} wide`,
      ),
      hint: expect.stringContaining('this size of model'),
    });
  });

  test('is not taken for one if only a tensor is damaged', async () => {
    const damaged = open(matrices(`${PREFIX}self_attn.q`), matrices(`${PREFIX}self_attn.k`, 5));
    await expect(damaged).rejects.toThrow('do not make a [192, 192]');
  });
});

test('a LoRA of peft without its configuration says what to get, or to write', async () => {
  const opening = open(matrices('base_model.model.blocks.0.attn1.to_q'));
  await expect(opening).rejects.toMatchObject({
    code: 'model-format',
    message: expect.stringContaining('there is no file adapter_config.json beside it'),
    hint: expect.stringContaining('{"lora_alpha": 2}'),
  });
  // What the hint says helps.
  await writeFile(join(folder, 'adapter_config.json'), '{"lora_alpha": 2}');
  const { loras } = await open(matrices('base_model.model.blocks.0.attn1.to_q'));
  expect(loras).toMatchObject([{ tensors: 1 }]);
});

test('a folder of files under other names says which there are', async () => {
  const names = await mkdtemp(join(folder, 'names-'));
  await writeFile(join(names, 'epoch-40.safetensors'), '');
  const lora = { source: new NodeFolderSource(names), path: '', scale: 1 };
  const opening = openCheckpoint(new NodeFolderSource('models/pocket'), { loras: [lora] });
  await expect(opening).rejects.toMatchObject({
    message: expect.stringContaining('What is there is epoch-40.safetensors'),
    hint: expect.stringContaining('path of the file itself'),
  });
  const pickle = await mkdtemp(join(folder, 'pickle-'));
  await writeFile(join(pickle, 'adapter_model.bin'), '');
  const other = { source: new NodeFolderSource(pickle), path: '', scale: 1 };
  const openingOther = openCheckpoint(new NodeFolderSource('models/pocket'), { loras: [other] });
  await expect(openingOther).rejects.toThrow('a PyTorch pickle');
});
