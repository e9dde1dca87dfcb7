/** @file Small decoders of both published forms of the Wan VAE, with random weights. */
import { decode } from '../decode/decode.ts';
import type { DecoderPlan } from '../decode/decoder-plan.ts';
import type { Size } from '../decode/tile-grid.ts';
import { parseVaeConfig, type WanVaeConfig } from '../families/wan/config.ts';
import type { LedgerReading } from '../runtime/ledger.ts';
import { StageRunner } from '../runtime/stage-runner.ts';
import type { StreamingPlan } from '../runtime/streamed-weights.ts';
import { testBackend } from './backend.ts';
import { generator, RandomWeights } from './random-weights.ts';

export interface VaeForm {
  readonly dimMult: readonly number[];
  /** In encoding order. */
  readonly downsample: readonly boolean[];
  /** Of the 2.2 form. */
  readonly isResidual: boolean;
  readonly baseDim?: number;
  readonly numResBlocks?: number;
}

const LATENT_CHANNELS = 4;

export function vaeConfig(form: VaeForm): WanVaeConfig {
  const { dimMult, downsample, isResidual, baseDim = 4, numResBlocks = 1 } = form;
  return parseVaeConfig({
    z_dim: LATENT_CHANNELS,
    base_dim: baseDim,
    dim_mult: dimMult,
    num_res_blocks: numResBlocks,
    temperal_downsample: downsample,
    is_residual: isResidual,
    out_channels: isResidual ? 12 : 3,
    patch_size: isResidual ? 2 : null,
    latents_mean: Array.from({ length: LATENT_CHANNELS }, () => 0),
    latents_std: Array.from({ length: LATENT_CHANNELS }, () => 1),
  });
}

/**
 * Decodes random latents of a size; equal for equal sizes. Nothing is left on the device but compiled sessions.
 * @param streaming Default: all weights stay on the device.
 */
export async function decodeRandom(
  plan: DecoderPlan,
  latentFrames: number,
  { height, width }: Size,
  streaming?: StreamingPlan,
): Promise<{ pictures: number[]; memory: LedgerReading }> {
  const backend = await testBackend();
  const runner = new StageRunner(backend, new RandomWeights(), { kind: 'decode', streaming });
  const random = generator('latents');
  const latents = Array.from({ length: latentFrames }, () =>
    Float32Array.from({ length: height * width * LATENT_CHANNELS }, () => 1.5 * random()),
  );
  backend.ledger.resetPeak();
  try {
    const pictures: number[] = [];
    for await (const { data } of decode(plan, latents, runner)) {
      for (const value of data) pictures.push(value);
    }
    return { pictures, memory: backend.ledger.read() };
  } finally {
    await runner.dispose();
  }
}

/** max |a − b|; NaN counts, and so does a missing element. */
export function largestDifference(a: readonly number[], b: readonly number[]): number {
  if (a.length !== b.length) return Number.POSITIVE_INFINITY;
  return a.reduce((worst, value, i) => {
    const difference = Math.abs(value - (b[i] ?? Number.NaN));
    return difference <= worst ? worst : difference;
  }, 0);
}
