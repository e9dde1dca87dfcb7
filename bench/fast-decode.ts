/** @file The small decoder against a true Wan 2.1 one, of true sizes and random weights: seconds and the ledger's peak. */
import { decode } from '../src/decode/decode.ts';
import { decodeFlops } from '../src/decode/cost.ts';
import type { DecoderPlan } from '../src/decode/decoder-plan.ts';
import { taehvPlan } from '../src/families/taehv/decoder.ts';
import { parseVaeConfig } from '../src/families/wan/config.ts';
import { decoderPlan } from '../src/families/wan/vae-decoder.ts';
import { randn } from '../src/pipeline/noise.ts';
import { StageRunner } from '../src/runtime/stage-runner.ts';
import type { BenchContext, Benchmark, Size } from './context.ts';
import { atMost } from './goals.ts';
import { RandomWeights } from './random-weights.ts';

const CHANNELS = 16;
/** Pixels a side, and frames. */
const CLIPS: Record<Size, { side: number; frames: number }> = {
  tiny: { side: 32, frames: 5 },
  small: { side: 128, frames: 5 },
  large: { side: 256, frames: 17 },
};

const ZEROS = Array.from({ length: CHANNELS }, () => 0);
const ONES = Array.from({ length: CHANNELS }, () => 1);

/** Of `Wan-AI/Wan2.1-T2V-1.3B-Diffusers`. */
const WAN_21 = parseVaeConfig({
  z_dim: CHANNELS,
  base_dim: 96,
  dim_mult: [1, 2, 4, 4],
  num_res_blocks: 2,
  temperal_downsample: [false, true, true],
  latents_mean: ZEROS,
  latents_std: ONES,
});

/** Of `taew2_1`. */
const TAEW_21 = {
  latentChannels: CHANNELS,
  widths: [256, 128, 64, 64],
  growth: [1, 2, 2],
  patchSize: 1,
} as const;

interface Measured {
  readonly seconds: number;
  readonly peakBytes: number;
}

async function measure(
  context: BenchContext,
  plan: DecoderPlan,
  side: number,
  latentFrames: number,
): Promise<Measured> {
  const backend = await context.open();
  const runner = new StageRunner(backend, new RandomWeights(), { kind: 'decode' });
  const inputs = Array.from({ length: latentFrames }, (_, i) => randn(side * side * CHANNELS, i));
  try {
    await runner.load([...plan.first, ...plan.rest]);
    const started = performance.now();
    let pictures = 0;
    for await (const { shape } of decode(plan, inputs, runner)) pictures += shape[0] ?? 0;
    if (pictures !== 4 * (latentFrames - 1) + 1) throw new Error(`${pictures} pictures`);
    const seconds = (performance.now() - started) / 1000;
    return { seconds, peakBytes: backend.ledger.read().peakBytes };
  } finally {
    await runner.dispose();
    await backend.dispose();
  }
}

async function run(context: BenchContext): Promise<void> {
  const { side, frames } = CLIPS[context.size];
  const latentFrames = (frames - 1) / 4 + 1;
  const size = { height: side / 8, width: side / 8 };
  const plans = { full: decoderPlan(WAN_21, size), fast: taehvPlan(TAEW_21, size) };
  const clip = `${side} × ${side} × ${frames}`;
  const results: Partial<Record<'full' | 'fast', Measured>> = {};
  for (const name of ['fast', 'full'] as const) {
    context.log(`${name} decode of ${clip}`);
    const measured = await measure(context, plans[name], side / 8, latentFrames);
    results[name] = measured;
    context.row(`${name} decode, ${clip}`, measured.seconds, 's');
    context.row(`${name} decode, peak`, measured.peakBytes / 1e6, 'MB');
    context.row(`${name} decode, operations`, decodeFlops(plans[name], latentFrames) / 1e12, 'T');
  }
  const { full, fast } = results;
  if (!full || !fast) throw new Error('a decoder was not measured');
  context.row('fast / full, seconds', fast.seconds / full.seconds, 'ratio', atMost(0.5));
  context.row('fast / full, peak', fast.peakBytes / full.peakBytes, 'ratio', atMost(0.5));
}

export const fastDecoding: Benchmark = {
  title: 'the small decoder (TAEHV) against Wan 2.1’s own: seconds and peak',
  run,
};
