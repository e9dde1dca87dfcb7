import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { encodeSafetensors, type FileTensor, floats } from '../../testing/safetensors-file.ts';
import { toFloat16 } from '../../weights/convert.ts';
import { Q4, Q8 } from '../../weights/quantize-format.ts';
import { convertPiece, piecesOf, type StorageFormat } from '../../weights/storage-format.ts';
import { flatModule, originalModule } from './names.ts';
import { type Lora, type LoraTarget, openLora } from '../../weights/lora-file.ts';
import { NodeFolderSource } from '../../weights/node-source.ts';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lora-'));
});

afterAll(() => rm(folder, { recursive: true }));

const WEIGHT = 'blocks.0.attn1.to_q.weight';
const [ROWS, COLUMNS] = [6, 4];

const target: LoraTarget = {
  shapes: new Map([
    [WEIGHT, [ROWS, COLUMNS]],
    ['blocks.0.attn1.to_q.bias', [ROWS]],
    ['blocks.0.norm2.weight', [COLUMNS]],
    ['blocks.0.scale_shift_table', [1, 6, COLUMNS]],
  ]),
  moduleName: (module, isFlat) =>
    isFlat ? flatModule(module) : (originalModule(module) ?? module),
  modulationOf: (module) => originalModule(`${module}.modulation`),
};

function shaped(shape: readonly number[], first = 0): FileTensor {
  const count = shape.reduce((a, b) => a * b, 1);
  const values = Array.from({ length: count }, (_, i) => Math.sin(first + i));
  return { ...floats(...values), shape };
}

const down = shaped([2, COLUMNS], 1);
const up = shaped([ROWS, 2], 100);
const WHOLE = {
  'blocks.0.attn1.to_q.lora_A.weight': down,
  'blocks.0.attn1.to_q.lora_B.weight': up,
};

type Tensors = Readonly<Record<string, FileTensor>>;

async function open(
  tensors: Tensors,
  {
    scale = 1,
    file = 'x.safetensors',
    metadata = {},
  }: { scale?: number; file?: string; metadata?: Record<string, string> } = {},
): Promise<Lora> {
  const bytes = encodeSafetensors(new Map(Object.entries(tensors)), metadata);
  await writeFile(join(folder, file), bytes);
  return openLora({ source: new NodeFolderSource(folder), path: file, scale }, target);
}

/** What the LoRA adds to a tensor of zeros. */
async function added(lora: Lora, name = WEIGHT): Promise<Float32Array> {
  const shape = target.shapes.get(name) ?? [];
  const columns = shape.slice(1).reduce((a, b) => a * b, 1);
  const values = new Float32Array(columns * (shape[0] ?? 0));
  for (const addition of lora.additions.get(name) ?? []) await addition.addTo(values, 0, columns);
  return values;
}

function times({ data }: FileTensor, factor: number): Float32Array {
  return new Float32Array(data.slice().buffer).map((value) => factor * value);
}

const noted = (config: unknown): { metadata: Record<string, string> } => ({
  metadata: { lora_adapter_metadata: JSON.stringify(config) },
});

/** up · down, times `factor`. */
function product(factor: number): Float32Array {
  const [a, b] = [times(down, 1), times(up, 1)];
  return Float32Array.from({ length: ROWS * COLUMNS }, (_, i) => {
    const [row, column] = [Math.floor(i / COLUMNS), i % COLUMNS];
    return (
      factor *
      ((b[2 * row] ?? 0) * (a[column] ?? 0) + (b[2 * row + 1] ?? 0) * (a[COLUMNS + column] ?? 0))
    );
  });
}

function expectClose(actual: Float32Array, expected: Float32Array): void {
  expect(actual).toHaveLength(expected.length);
  for (const [i, value] of actual.entries()) expect(value).toBeCloseTo(expected[i] ?? 0, 6);
}

const half = shaped([1]);
const alphaOf = (alpha: number): FileTensor => ({ ...half, ...floats(alpha), shape: [] });

describe('a module is found by', () => {
  test.each([
    ['transformer.blocks.0.attn1.to_q', '.lora_A.weight', '.lora_B.weight'],
    ['transformer.blocks.0.attn1.to_q', '.lora.down.weight', '.lora.up.weight'],
    ['diffusion_model.blocks.0.self_attn.q', '.lora_down.weight', '.lora_up.weight'],
    ['diffusion_model.blocks.0.self_attn.q', '.lora_A.weight', '.lora_B.weight'],
    ['model.diffusion_model.blocks.0.self_attn.q', '.lora_A.weight', '.lora_B.weight'],
    ['blocks.0.self_attn.q', '.lora_A.default.weight', '.lora_B.default.weight'],
    ['lora_unet_blocks_0_self_attn_q', '.lora_down.weight', '.lora_up.weight'],
    ['lora_unet__blocks_0_self_attn_q', '.lora_down.weight', '.lora_up.weight'],
    ['lora_transformer_blocks_0_attn1_to_q', '.lora_down.weight', '.lora_up.weight'],
  ])('%s%s', async (module, downName, upName) => {
    const matrices = { [module + downName]: down, [module + upName]: up };
    expectClose(await added(await open(matrices)), product(1));
    const withAlpha = { ...matrices, [`${module}.alpha`]: alphaOf(3) };
    expectClose(await added(await open(withAlpha, { scale: 0.5 })), product(0.75));
  });
});

describe('alphas', () => {
  const matrices = {
    'transformer.blocks.0.attn1.to_q.lora_A.weight': down,
    'transformer.blocks.0.attn1.to_q.lora_B.weight': up,
  };

  test.each([
    [{ 'transformer.lora_alpha': 5 }, 2.5],
    [{ 'transformer.lora_alpha': 5, 'transformer.use_rslora': true }, 5 / Math.SQRT2],
    [{ 'transformer.lora_alpha': 5, 'transformer.alpha_pattern': { to_q: 1 } }, 0.5],
    [{ 'transformer.lora_alpha': 5, 'transformer.alpha_pattern': { o_q: 1 } }, 2.5],
    [{ 'transformer.lora_alpha': 5, 'transformer.alpha_pattern': { '^attn1.to_q': 1 } }, 2.5],
    [{ 'text_encoder.lora_alpha': 5 }, 1],
  ])('are read from diffusers’ metadata: %j', async (config, factor) => {
    expectClose(await added(await open(matrices, noted(config))), product(factor));
  });

  test('are read from the configuration beside a file of peft, which must be there', async () => {
    const peft = Object.fromEntries(
      Object.entries(matrices).map(([name, tensor]) => [
        name.replace('transformer', 'base_model.model'),
        tensor,
      ]),
    );
    await expect(open(peft)).rejects.toThrow('no file adapter_config.json');
    await writeFile(join(folder, 'adapter_config.json'), JSON.stringify({ r: 2, lora_alpha: 8 }));
    expectClose(await added(await open(peft)), product(4));
  });

  test.each([
    [{ 'transformer.lora_alpha': 1, 'transformer.use_dora': true }, 'DoRA'],
    [{ 'transformer.lora_alpha': 'x' }, 'lora_alpha'],
    [{ 'transformer.lora_alpha': 1e300 }, 'lora_alpha is 1e+300, not a number up to 1000000'],
    [{ 'transformer.lora_alpha': 1, 'transformer.alpha_pattern': { to_q: 1e300 } }, 'is 1e+300'],
    [{ 'transformer.lora_alpha': 1, 'transformer.alpha_pattern': { '.*q': 1 } }, 'alpha_pattern'],
  ])('are refused if they cannot be understood: %j', async (config, problem) => {
    const opening = open(matrices, noted(config));
    await expect(opening).rejects.toMatchObject({ code: 'model-format' });
    await expect(opening).rejects.toThrow(problem);
  });
});

test('differences are added as they are, times the scale', async () => {
  const difference = shaped([COLUMNS]);
  const table = shaped([1, 6, COLUMNS], 9);
  const lora = await open(
    {
      'diffusion_model.blocks.0.norm3.diff': difference,
      'diffusion_model.blocks.0.diff_m': table,
      'diffusion_model.blocks.0.self_attn.q.lora_A.weight': down,
      'diffusion_model.blocks.0.self_attn.q.lora_B.weight': up,
      'diffusion_model.blocks.0.self_attn.q.alpha': alphaOf(4),
      'diffusion_model.blocks.0.self_attn.q.diff_b': shaped([ROWS]),
      'diffusion_model.blocks.0.self_attn.q.lora_B.bias': shaped([ROWS], 5),
    },
    { scale: 0.5 },
  );
  expectClose(await added(lora, 'blocks.0.norm2.weight'), times(difference, 0.5));
  expectClose(await added(lora, 'blocks.0.scale_shift_table'), times(table, 0.5));
  expectClose(await added(lora), product(1));
  // The second matrix's bias is scaled by alpha / rank as its product is.
  const [plain, scaled] = [times(shaped([ROWS]), 0.5), times(shaped([ROWS], 5), 1)];
  const bias = plain.map((value, i) => value + (scaled[i] ?? 0));
  expectClose(await added(lora, 'blocks.0.attn1.to_q.bias'), bias);
});

test('rows are added in pieces, with one read of what all share', async () => {
  const lora = await open({
    'blocks.0.attn1.to_q.lora_A.weight': down,
    'blocks.0.attn1.to_q.lora_B.weight': up,
  });
  const read = vi.spyOn(lora.source, 'read');
  const [addition] = lora.additions.get(WEIGHT) ?? [];
  const pieces: number[] = [];
  let bytes = 0;
  for (let row = 0; row < ROWS; row += 2) {
    const values = new Float32Array(2 * COLUMNS);
    await addition?.addTo(values, row, COLUMNS);
    bytes += addition?.bytesOf(row, 2) ?? 0;
    pieces.push(...values);
  }
  expectClose(Float32Array.from(pieces), product(1));
  expect(read).toHaveBeenCalledTimes(1);
  expect(bytes).toBe(down.data.byteLength + up.data.byteLength);
});

test('values that are not finite are refused, and a matrix whose read failed is read again', async () => {
  const name = 'blocks.0.attn1.to_q.lora_A.weight';
  const broken = { ...floats(...Array.from({ length: 8 }, () => Number.NaN)), shape: down.shape };
  const names = { [name]: broken, 'blocks.0.attn1.to_q.lora_B.weight': up };
  await expect(added(await open(names))).rejects.toThrow('not finite');

  const lora = await open({ ...names, [name]: down });
  const read = vi.spyOn(lora.source, 'read').mockRejectedValueOnce(new Error('broke'));
  await expect(added(lora)).rejects.toThrow('broke');
  expectClose(await added(lora), product(1));
  expect(read).toHaveBeenCalledTimes(2);
});

/** Both matrices times a factor. */
const scaled = (factor: number): Tensors =>
  Object.fromEntries(
    Object.entries(WHOLE).map(([name, tensor]) => {
      return [name, { ...tensor, data: floats(...times(tensor, factor)).data }];
    }),
  );

/** The weight as it is kept, with the LoRA merged into it. */
async function merge(
  lora: Lora,
  weights: Float32Array,
  { dtype = 'F32', storage = 'source' }: { dtype?: string; storage?: StorageFormat } = {},
): Promise<unknown> {
  const bytes = new Uint8Array((dtype === 'F16' ? toFloat16(weights) : weights.slice()).buffer);
  const shape = [ROWS, COLUMNS];
  const tensor = { dtype, shape, start: 0, end: bytes.byteLength, file: 'model.safetensors' };
  const additions = lora.additions.get(WEIGHT) ?? [];
  const [piece] = piecesOf({ name: WEIGHT, tensor, storage, additions });
  return convertPiece(piece ?? expect.unreachable(), bytes);
}

describe('weights that a LoRA is merged into', () => {
  test('are refused if the LoRA makes them too large, and the LoRA is named', async () => {
    const lora = await open(scaled(1e7));
    await expect(merge(lora, new Float32Array(ROWS * COLUMNS))).rejects.toMatchObject({
      code: 'non-finite',
      message: expect.stringMatching(/^The LoRA x\.safetensors of .*at scale 1, .*lora_B/),
      hint: expect.stringContaining('smaller scale'),
    });
  });

  test('are not blamed on the model if a matrix is damaged', async () => {
    const lora = await open(scaled(1e20));
    await expect(merge(lora, new Float32Array(ROWS * COLUMNS))).rejects.toMatchObject({
      code: 'non-finite',
      message: expect.stringMatching(/^Tensor blocks.*lora_A.weight of the LoRA x\.safetensors/),
    });
  });

  test('are not blamed on the LoRA if they are damaged', async () => {
    const lora = await open(WHOLE);
    for (const storage of ['source', 'f16', Q8, Q4] as const) {
      const weights = new Float32Array(ROWS * COLUMNS).fill(1);
      weights[5] = Number.NaN;
      await expect(merge(lora, weights, { storage })).rejects.toMatchObject({
        code: 'non-finite',
        message: expect.stringMatching(
          /^Tensor blocks\.0\.attn1\.to_q\.weight in model.*\(1 NaN\)/,
        ),
      });
    }
  });

  test.each([
    { dtype: 'F16', storage: 'source' },
    { dtype: 'F32', storage: 'f16' },
  ] as const)(
    'are refused if the LoRA carries them beyond float16: $dtype as $storage',
    async (kind) => {
      const lora = await open(WHOLE, { scale: 100 });
      const weights = new Float32Array(ROWS * COLUMNS).fill(65_504);
      await expect(merge(lora, weights, kind)).rejects.toMatchObject({
        code: 'non-finite',
        message: expect.stringContaining('too large for float16'),
        hint: expect.stringContaining('Give the LoRA a smaller scale'),
      });
    },
  );
});

describe('a LoRA is refused', () => {
  const [a, b] = ['blocks.0.attn1.to_q.lora_A.weight', 'blocks.0.attn1.to_q.lora_B.weight'];
  test.each<[string, Tensors, readonly string[]]>([
    ['with nothing in it', {}, ['nothing in it']],
    ['that is a DoRA', { 'blocks.0.attn1.to_q.dora_scale': up }, ['dora_scale', 'DoRA']],
    ['that is a LoHa', { 'blocks.0.attn1.to_q.hada_w1_a': up }, ['hada_w1_a', 'neither']],
    ['for a text encoder', { 'lora_te1_x.lora_up.weight': up }, ['lora_te1_x', 'text encoder']],
    ['for a text encoder', { 'text_encoder.x.lora_A.weight': up }, ['text_encoder.x']],
    ['with a tensor of no known kind', { [`${WEIGHT}.x`]: up }, [`${WEIGHT}.x`, 'no known kind']],
    [
      'for another model',
      { 'x.lora_A.weight': down, 'x.lora_B.weight': up },
      ['x.lora_A', 'nothing'],
    ],
    [
      'for a module that this model lacks',
      {
        'lora_unet_blocks_0_cross_attn_k_img.lora_down.weight': down,
        'lora_unet_blocks_0_cross_attn_k_img.lora_up.weight': up,
      },
      ['lora_unet_blocks_0_cross_attn_k_img.lora_down.weight', 'nothing in the model'],
    ],
    ['without one matrix', { [a]: down }, [a, 'without the other matrix']],
    ['with an alpha alone', { 'blocks.0.attn1.to_q.alpha': alphaOf(1) }, ['alpha', 'other matrix']],
    ['with too many columns', { [a]: shaped([2, 5]), [b]: up }, [a, '[2, 5]', '[6, 4]']],
    ['with too few rows', { [a]: down, [b]: shaped([5, 2]) }, [b, '[5, 2]']],
    ['with two ranks', { [a]: shaped([3, 4]), [b]: up }, [a, '[3, 4]', '[6, 2]']],
    ['with rank zero', { [a]: shaped([0, 4]), [b]: shaped([6, 0]) }, [a, '[0, 4]']],
    ['with integers', { [a]: { ...down, dtype: 'I32' }, [b]: up }, [a, 'I32']],
    [
      'with many alphas',
      { [a]: down, [b]: up, 'blocks.0.attn1.to_q.alpha': shaped([2]) },
      ['alpha is not one'],
    ],
    [
      'with a difference of another shape',
      { 'blocks.0.norm3.diff': shaped([5]) },
      ['norm3.diff', '[5]', '[4]'],
    ],
    [
      'with two modules for one tensor',
      { [a]: down, [b]: up, 'blocks.0.self_attn.q.diff': shaped([ROWS, COLUMNS]) },
      ['blocks.0.self_attn.q and blocks.0.attn1.to_q', WEIGHT],
    ],
  ])('%s', async (_, tensors, words) => {
    const opening = open(tensors);
    await expect(opening).rejects.toMatchObject({ code: 'model-format' });
    for (const word of ['x.safetensors', ...words]) await expect(opening).rejects.toThrow(word);
  });

  test.each([Number.NaN, Number.POSITIVE_INFINITY, 1e30, -1e30, 100.1])(
    'at a scale of %d',
    async (scale) => {
      const opening = open({ [a]: down, [b]: up }, { scale });
      await expect(opening).rejects.toMatchObject({
        code: 'invalid-argument',
        message: `loras: a scale of ${scale} is not a number from −100 to 100.`,
      });
    },
  );

  test.each([100, -100, 0])('but not at a scale of %d', async (scale) => {
    expectClose(await added(await open({ [a]: down, [b]: up }, { scale })), product(scale));
  });
});

test('a folder holds a LoRA under one of the usual names', async () => {
  const file = 'pytorch_lora_weights.safetensors';
  await open({ 'blocks.0.norm3.diff': shaped([COLUMNS]) }, { file });
  const lora = await openLora({ source: new NodeFolderSource(folder), path: '', scale: 1 }, target);
  expect(lora.path).toBe(file);
  await rm(join(folder, file));
  const opening = openLora({ source: new NodeFolderSource(folder), path: '', scale: 1 }, target);
  await expect(opening).rejects.toThrow('pytorch_lora_weights.safetensors or adapter_model');
});
