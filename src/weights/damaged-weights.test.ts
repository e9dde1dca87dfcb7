import { describe, expect, onTestFinished, test } from 'vitest';
import type { ComponentName } from '../families/family.ts';
import type { WeightInput } from '../graph/types.ts';
import type { WeightsFormat } from '../pipeline/api.ts';
import { EnginePipeline, openModel } from '../pipeline/engine.ts';
import { storagePrecisions } from '../pipeline/memory-settings.ts';
import type { CheckpointStore } from '../store/checkpoint-store.ts';
import { freshFolder } from '../testing/folder-place.ts';
import { ModelCopy, WEIGHT_FILES } from '../testing/model-copy.ts';
import type { ComponentWeights } from './component-weights.ts';
import { bindWeight } from './convert.ts';
import type { SourceDtype } from './safetensors.ts';

const PARTS = Object.keys(WEIGHT_FILES) as ComponentName[];
const DTYPES: readonly SourceDtype[] = ['F32', 'BF16', 'F16'];
const FORMATS: readonly WeightsFormat[] = ['f32', 'f16', 'q8', 'q4'];
const VALUES = [Number.NaN, Number.POSITIVE_INFINITY, 3e38, Number.NEGATIVE_INFINITY];

const copies = new Map<SourceDtype, ModelCopy>();

async function copyIn(dtype: SourceDtype): Promise<ModelCopy> {
  const copy = copies.get(dtype) ?? (await ModelCopy.open(dtype));
  copies.set(dtype, copy);
  return copy;
}

/** Fetches one component as a pipeline of this format does: into RAM, or into a store. */
async function fetchPart(
  copy: ModelCopy,
  part: ComponentName,
  format: WeightsFormat,
  store?: CheckpointStore,
): Promise<ComponentWeights> {
  const model = await openModel(copy, {});
  const formats = { text_encoder: format, transformer: format, vae: format };
  return model.fetch(part, storagePrecisions(formats)[part], store ? { store } : {});
}

/** Tensors of a component that are needed, evenly spread: pair `index` of `count`. */
async function pairOf(
  copy: ModelCopy,
  part: ComponentName,
  index: number,
  count: number,
): Promise<string[]> {
  const all = [...(await copy.tensors(WEIGHT_FILES[part])).keys()];
  const names = all.filter((name) => part !== 'vae' || !/^(encoder|quant_conv)\./.test(name));
  return [2 * index, 2 * index + 1].map(
    (i) => names[Math.round((i * (names.length - 1)) / (2 * count - 1))] ?? expect.unreachable(),
  );
}

async function openStore(): Promise<CheckpointStore> {
  const place = await freshFolder();
  const store = await place.open();
  onTestFinished(async () => {
    store.close();
    await place.remove();
  });
  return store;
}

/** Two tensors for each part, element type and format: 72 copies. */
describe.each(DTYPES)('a copy of a %s model with one damaged weight is refused', (dtype) => {
  test.each(PARTS.flatMap((part) => FORMATS.map((format) => ({ part, format }))))(
    'in the $part, kept as $format',
    async ({ part, format }) => {
      const copy = await copyIn(dtype);
      const path = WEIGHT_FILES[part];
      const index = FORMATS.indexOf(format);
      const pair = await pairOf(copy, part, index, FORMATS.length);
      for (const [i, tensor] of pair.entries()) {
        const value = VALUES[(index + 2 * i) % VALUES.length] ?? Number.NaN;
        const restore = await copy.damage(path, tensor, value);
        await expect(fetchPart(copy, part, format)).rejects.toMatchObject({
          code: 'non-finite',
          message: expect.stringContaining(`Tensor ${tensor} in ${path}`),
          hint: expect.stringContaining('damaged'),
        });
        restore();
      }
    },
  );

  test('and the copy without damage is not', async () => {
    const copy = await copyIn(dtype);
    for (const part of PARTS) await fetchPart(copy, part, 'q8');
  });
});

test('a damaged weight far inside a tensor is counted with the others', async () => {
  const copy = await ModelCopy.open('BF16');
  const tensor = 'blocks.1.ffn.net.0.proj.weight';
  await copy.damage(WEIGHT_FILES.transformer, tensor, Number.NaN, 1001);
  await copy.damage(WEIGHT_FILES.transformer, tensor, Number.NaN, 70_001);
  await copy.damage(WEIGHT_FILES.transformer, tensor, 3e38, 147_455);
  for (const format of FORMATS) {
    await expect(fetchPart(copy, 'transformer', format)).rejects.toMatchObject({
      code: 'non-finite',
      message: expect.stringContaining('(2 NaN, 1 beyond ±2^40)'),
    });
  }
});

test.each(FORMATS)(
  'a store does not complete an import of damaged weights as %s',
  async (format) => {
    const copy = await copyIn('F32');
    const store = await openStore();
    const tensor = 'blocks.0.ffn.net.2.weight';
    const restore = await copy.damage(WEIGHT_FILES.transformer, tensor, Number.NaN, 5);
    const fetching = fetchPart(copy, 'transformer', format, store);
    await expect(fetching).rejects.toMatchObject({
      code: 'non-finite',
      message: expect.stringContaining(`Tensor ${tensor} in`),
    });
    expect((await store.listCheckpoints()).map(({ state }) => state)).not.toContain('complete');
    restore();
    await fetchPart(copy, 'transformer', format, store);
    expect((await store.listCheckpoints()).map(({ state }) => state)).toContain('complete');
  },
);

test('a pipeline is not made of damaged weights', async () => {
  const copy = await copyIn('F32');
  const restore = await copy.damage(WEIGHT_FILES.vae, 'decoder.conv_in.weight', Number.NaN);
  const opening = EnginePipeline.fromSource(copy, { device: 'wasm' });
  await expect(opening).rejects.toMatchObject({
    code: 'non-finite',
    message: expect.stringContaining('decoder.conv_in.weight'),
  });
  restore();
});

describe('a weight beyond float16', () => {
  const tensor = 'blocks.0.ffn.net.2.weight';

  test.each(['F32', 'BF16'] as const)('in a %s model is not called damaged', async (dtype) => {
    const copy = await copyIn(dtype);
    const restore = await copy.damage(WEIGHT_FILES.transformer, tensor, 1e5);
    await expect(fetchPart(copy, 'transformer', 'f16')).rejects.toMatchObject({
      code: 'non-finite',
      message: `Tensor ${tensor} in ${WEIGHT_FILES.transformer} holds values that are too large for float16, which ends at 65504.`,
      hint: "Load the model with dtype 'float32' or weights 'f32'.",
    });
    await fetchPart(copy, 'transformer', 'f32');
    await fetchPart(copy, 'transformer', 'q8');
    restore();
  });

  test('is refused where it is bound, too', () => {
    const weight: WeightInput = {
      name: 'w',
      source: 'w',
      dtype: 'float16',
      shape: [2],
      sourceShape: [2],
      packing: 'none',
    };
    const bytes = new Uint8Array(Float32Array.of(1, 1e5).buffer);
    expect(() => bindWeight(weight, 'F32', bytes, 'blocks.0.w')).toThrow(
      expect.objectContaining({
        code: 'non-finite',
        message: expect.stringContaining('Tensor blocks.0.w holds values that are too large'),
      }),
    );
  });
});

test.each([
  ['float32', Number.NaN, /stored copy of tensor blocks\.0\.w .*1 NaN/],
  ['float16', Number.POSITIVE_INFINITY, /stored copy of tensor blocks\.0\.w .*1 infinite/],
  ['float16', 1e5, /Tensor blocks\.0\.w holds values that are too large for float16/],
] as const)('scales bound as %s are refused if one is %d', (dtype, scale, message) => {
  const weight: WeightInput = {
    name: 'w.scales',
    source: 'w',
    dtype,
    shape: [2],
    sourceShape: [1, 64],
    packing: { format: { bits: 8, blockSize: 32 }, part: 'scales' },
  };
  const bytes = new Uint8Array(Float32Array.of(1, scale).buffer);
  expect(() => bindWeight(weight, 'F32', bytes, 'blocks.0.w')).toThrow(
    expect.objectContaining({ code: 'non-finite', message: expect.stringMatching(message) }),
  );
});
