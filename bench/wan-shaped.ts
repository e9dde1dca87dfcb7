/** @file A diffusion transformer in Wan's shapes but of any size, with random weights, on a runner of its own. */
import type { LatentShape } from '../src/families/family.ts';
import type { WanTransformerConfig } from '../src/families/wan/config.ts';
import {
  allStages,
  transformerActivationBytes,
  type TransformerShape,
  transformerStages,
  WanTransformer,
} from '../src/families/wan/transformer.ts';
import type { Precision } from '../src/graph/index.ts';
import { randn } from '../src/pipeline/noise.ts';
import type { Backend, DeviceTensor } from '../src/runtime/backend.ts';
import type { DeviceReport } from '../src/runtime/device.ts';
import type { PhaseNeeds } from '../src/runtime/planner.ts';
import { StageRunner } from '../src/runtime/stage-runner.ts';
import type { StreamingPlan } from '../src/runtime/streamed-weights.ts';
import type { WeightSource } from '../src/runtime/weight-provider.ts';
import type { Size } from './context.ts';

export interface WanShaped {
  readonly config: WanTransformerConfig;
  readonly shape: TransformerShape;
  readonly precision: Precision;
}

/** Both passes of guidance. */
const BATCH = 2;
export const TIMESTEP = 500;

const SIZES: Record<Size, { heads: number; headDim: number; latents: LatentShape; text: number }> =
  {
    tiny: { heads: 2, headDim: 16, latents: latents(1, 4), text: 4 },
    small: { heads: 4, headDim: 64, latents: latents(1, 8), text: 16 },
    large: { heads: 6, headDim: 128, latents: latents(5, 32), text: 256 },
  };

function latents(frames: number, side: number): LatentShape {
  return { channels: 16, frames, height: side, width: side };
}

/** Thirty blocks, as Wan 2.1 1.3B has: how much of the model one block is decides how small a budget can be. */
export function wanShaped(size: Size, device: DeviceReport): WanShaped {
  const { heads, headDim, latents: shape, text } = SIZES[size];
  const width = heads * headDim;
  return {
    config: {
      patchSize: [1, 2, 2],
      numAttentionHeads: heads,
      attentionHeadDim: headDim,
      inChannels: shape.channels,
      outChannels: shape.channels,
      textDim: 2 * width,
      freqDim: width,
      ffnDim: 4 * width,
      numLayers: 30,
      crossAttnNorm: true,
      eps: 1e-6,
      ropeMaxSeqLen: 1024,
    },
    shape: { latents: shape, textTokens: text },
    precision: { linear: device.hasShaderF16 ? 'float16' : 'float32' },
  };
}

export function phaseNeeds({ config, shape, precision }: WanShaped): PhaseNeeds {
  return {
    stages: allStages(transformerStages(config, shape, precision)),
    activationBytes: transformerActivationBytes(config, shape, BATCH),
  };
}

/** The same noise and texts for every step of every run. */
export function stepInputs({ config, shape }: WanShaped): {
  latents: Float32Array;
  texts: Float32Array<ArrayBuffer>[];
} {
  const { channels, frames, height, width } = shape.latents;
  const texts = Array.from(
    { length: BATCH },
    (_, i) => new Float32Array(randn(shape.textTokens * config.textDim, 10 + i)),
  );
  return { latents: randn(channels * frames * height * width, 2), texts };
}

/** A loaded transformer and its prompts. */
export class LoadedWan {
  readonly #runner: StageRunner;
  readonly #model: WanTransformer;
  readonly #texts: readonly DeviceTensor[];
  readonly #latents: Float32Array;

  static async load(
    backend: Backend,
    weights: WeightSource,
    wan: WanShaped,
    streaming?: StreamingPlan,
  ): Promise<LoadedWan> {
    const runner = new StageRunner(backend, weights, { streaming });
    const model = new WanTransformer(wan.config, wan.shape, wan.precision, runner);
    const inputs = stepInputs(wan);
    const texts = await model.projectTexts(inputs.texts);
    await model.load();
    return new LoadedWan(runner, model, texts, inputs.latents);
  }

  private constructor(
    runner: StageRunner,
    model: WanTransformer,
    texts: readonly DeviceTensor[],
    noise: Float32Array,
  ) {
    this.#runner = runner;
    this.#model = model;
    this.#texts = texts;
    this.#latents = noise;
  }

  /** The velocities of one denoising step, one after the other. @param passes 2 with guidance. */
  async step(passes = BATCH): Promise<Float32Array> {
    const { length } = this.#latents;
    const velocities = new Float32Array(passes * length);
    const results = Array.from({ length: passes }, (_, i) =>
      velocities.subarray(i * length, (i + 1) * length),
    );
    await this.#model.forward(this.#latents, TIMESTEP, this.#texts.slice(0, passes), results);
    return velocities;
  }

  dispose(): Promise<void> {
    return this.#runner.dispose();
  }
}
