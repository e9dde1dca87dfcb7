import { describe, expect, test } from 'vitest';
import type { Precision } from '../../graph/index.ts';
import { locateWeights } from '../../runtime/stage.ts';
import { StageRunner } from '../../runtime/stage-runner.ts';
import { testBackend } from '../../testing/backend.ts';
import {
  readReference,
  type Reference,
  relativeError,
  repositoryFolder,
} from '../../testing/fixtures.ts';
import type { ComponentFiles } from '../../weights/component.ts';
import { HostWeights } from '../../weights/host-weights.ts';
import { openLora } from '../../weights/lora-file.ts';
import { allocateQuantized, quantizeRows } from '../../weights/quantize.ts';
import type { WeightNeed } from '../../weights/storage-format.ts';
import { openTransformer } from './components.ts';
import type { WanTransformerConfig } from './config.ts';
import { loraTarget, withAdditions } from './lora.ts';
import {
  allStages,
  transformerStages,
  type TransformerShape,
  WanTransformer,
} from './transformer.ts';

const F32: Precision = { linear: 'float32' };

/** Files and their scales, as in `models/parity/wan_lora.py`. */
const CASES: Readonly<Record<string, readonly (readonly [string, number])[]>> = {
  diffusers: [['diffusers', 1]],
  original: [['original', 0.8]],
  kohya: [['kohya', 1]],
  differences: [['differences', 0.75]],
  two: [
    ['diffusers', 0.6],
    ['original', -0.35],
  ],
};

interface Loaded {
  readonly files: ComponentFiles;
  readonly config: WanTransformerConfig;
  readonly shape: TransformerShape;
  readonly reference: Reference;
  readonly needs: (name: string, precision?: Precision) => Promise<WeightNeed[]>;
}

async function load(): Promise<Loaded> {
  const base = await repositoryFolder('models/parity/fixtures/wan-transformer-a');
  const folder = await repositoryFolder('models/parity/fixtures/wan-lora');
  const { files, config } = await openTransformer({ source: base, path: '' });
  const reference = await readReference(folder, 'reference.safetensors');
  const [, channels = 0, frames = 0, height = 0, width = 0] = reference.get('latents').shape;
  const textTokens = reference.get('encoder_hidden_states').shape[1] ?? 0;
  const shape = { latents: { channels, frames, height, width }, textTokens };
  const needsFor = (precision: Precision): WeightNeed[] =>
    locateWeights(files, allStages(transformerStages(config, shape, precision)));
  return {
    files,
    config,
    shape,
    reference,
    async needs(name, precision = F32) {
      const target = loraTarget(needsFor(F32));
      const loras = await Promise.all(
        (CASES[name] ?? []).map(([file, scale]) =>
          openLora({ source: folder, path: `${file}.safetensors`, scale }, target),
        ),
      );
      return withAdditions(needsFor(precision), loras);
    },
  };
}

const loaded = load();

/** A tensor as it is kept, in float32. */
function kept(weights: HostWeights, { name, tensor }: WeightNeed): Float32Array {
  return weights.row(
    name,
    0,
    tensor.shape.reduce((a, b) => a * b, 1),
  );
}

describe.each(Object.keys(CASES))('LoRA %s against diffusers and peft', (name) => {
  test('merged weights', async () => {
    const { files, reference, needs } = await loaded;
    const all = await needs(name);
    const weights = await HostWeights.load(files, all);
    const changed = all.filter(({ additions }) => additions);
    const expected = reference.names.filter((each) => each.startsWith(`${name}/`));
    expect(changed.map((need) => `${name}/${need.name}`).toSorted()).toEqual(expected.toSorted());
    for (const need of changed) {
      const merged = reference.get(`${name}/${need.name}`).data;
      expect(relativeError(kept(weights, need), merged), need.name).toBeLessThan(1e-6);
    }
  });

  test('the velocity', async () => {
    const { files, config, shape, reference, needs } = await loaded;
    const weights = await HostWeights.load(files, await needs(name));
    const runner = new StageRunner(await testBackend(), weights);
    const expected = reference.get(`${name}.output`).data;
    const result = new Float32Array(expected.length);
    try {
      const model = new WanTransformer(config, shape, F32, runner);
      const texts = await model.projectTexts([reference.get('encoder_hidden_states').data]);
      await model.load();
      const timestep = reference.get('timestep').data[0] ?? 0;
      await model.forward(reference.get('latents').data, timestep, texts, [result]);
    } finally {
      await runner.dispose();
    }
    expect(relativeError(result, expected)).toBeLessThan(1e-3);
  });
});

// Differences of norms, tables and the ends are of nothing that is quantized.
const QUANTIZED = Object.keys(CASES).filter((name) => name !== 'differences');

describe.each(QUANTIZED)('LoRA %s, quantized', (name) => {
  test.each([8, 4] as const)('%i bits are those of the merged weights', async (bits) => {
    const { files, reference, needs } = await loaded;
    const format = { bits, blockSize: 32 } as const;
    const precision: Precision = { linear: 'float32', weights: format };
    const all = await needs(name, precision);
    const merged = await HostWeights.load(files, await needs(name));
    const weights = await HostWeights.load(files, all);
    const quantized = all.filter(
      ({ storage, additions }) => typeof storage === 'object' && additions,
    );
    expect(quantized.length).toBeGreaterThan(3);
    for (const need of quantized) {
      const [rows = 0, columns = 0] = need.tensor.shape;
      const target = allocateQuantized(format, rows, columns, 'float32');
      quantizeRows(format, kept(merged, need), columns, target);
      const get = (part: 'codes' | 'scales'): ArrayLike<number> =>
        weights.get('', {
          name: need.name,
          source: need.name,
          dtype: part === 'codes' ? 'uint8' : 'float32',
          shape: [],
          sourceShape: need.tensor.shape,
          packing: { format, part },
        });
      expect(get('codes'), need.name).toEqual(target.codes);
      expect(get('scales'), need.name).toEqual(target.scales);
      // The reference's own numbers make the same codes, but where they were a rounding apart.
      const theirs = allocateQuantized(format, rows, columns, 'float32');
      quantizeRows(format, reference.get(`${name}/${need.name}`).data, columns, theirs);
      const other = theirs.codes.filter((code, i) => code !== target.codes[i]).length;
      expect(other / theirs.codes.length).toBeLessThan(0.002);
    }
  });
});
