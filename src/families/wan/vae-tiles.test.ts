import { afterAll, describe, expect, test } from 'vitest';
import { decode } from '../../decode/decode.ts';
import type { DecoderPlan } from '../../decode/decoder-plan.ts';
import { StageRunner } from '../../runtime/stage-runner.ts';
import { testBackend } from '../../testing/backend.ts';
import { generator, RandomWeights } from '../../testing/random-weights.ts';
import { parseVaeConfig, type WanVaeConfig } from './config.ts';
import { decoderPlan } from './vae-decoder.ts';

interface Form {
  readonly dimMult: readonly number[];
  readonly downsample: readonly boolean[];
  readonly isResidual: boolean;
}

const FORMS: Readonly<Record<string, Form>> = {
  '2.1': { dimMult: [1, 2, 2], downsample: [false, true], isResidual: false },
  '2.1 of other widths': {
    dimMult: [1, 2, 4, 4],
    downsample: [true, false, true],
    isResidual: false,
  },
  '2.2': { dimMult: [1, 2, 2], downsample: [true, true], isResidual: true },
  '2.2 of other widths': {
    dimMult: [1, 2, 4, 4],
    downsample: [false, true, true],
    isResidual: true,
  },
};

const CHANNELS = 4;

function configOf({ dimMult, downsample, isResidual }: Form): WanVaeConfig {
  return parseVaeConfig({
    z_dim: CHANNELS,
    base_dim: 4,
    dim_mult: dimMult,
    num_res_blocks: 1,
    temperal_downsample: downsample,
    is_residual: isResidual,
    out_channels: isResidual ? 12 : 3,
    patch_size: isResidual ? 2 : null,
    latents_mean: Array.from({ length: CHANNELS }, () => 0),
    latents_std: Array.from({ length: CHANNELS }, () => 1),
  });
}

async function decoded(
  plan: DecoderPlan,
  frames: number,
  size: { height: number; width: number },
): Promise<{ pictures: number[]; peakBytes: number }> {
  const backend = await testBackend();
  const runner = new StageRunner(backend, new RandomWeights(), { kind: 'decode' });
  const random = generator('latents');
  const area = size.height * size.width;
  const latents = Array.from({ length: frames }, () =>
    Float32Array.from({ length: area * CHANNELS }, () => 1.5 * random()),
  );
  backend.ledger.resetPeak();
  try {
    const pictures: number[] = [];
    for await (const { data, shape } of decode(plan, latents, runner)) {
      expect(shape.reduce((a, b) => a * b, 1)).toBe(data.length);
      for (const value of data) pictures.push(value);
    }
    return { pictures, peakBytes: backend.ledger.read().peakBytes };
  } finally {
    await runner.dispose();
  }
}

function largestDifference(actual: readonly number[], expected: readonly number[]): number {
  expect(actual).toHaveLength(expected.length);
  return expected.reduce(
    (worst, value, i) => Math.max(worst, Math.abs(value - (actual[i] ?? NaN))),
    0,
  );
}

afterAll(async () => {
  await (await testBackend()).dispose();
});

describe.each(Object.entries(FORMS))('tiles of the %s decoder', (_, form) => {
  const config = configOf(form);
  const scale = config.scaleFactorSpatial;

  test.each([
    { height: 4, width: 5, tile: scale },
    { height: 7, width: 3, tile: 2 * scale },
    { height: 6, width: 11, tile: 3 * scale - 1 },
  ])('change no pixel: $height x $width latents, $tile pixels', async ({ tile, ...size }) => {
    const tiled = decoderPlan(config, size, tile);
    expect(tiled.isTiled).toBe(true);
    const whole = await decoded(decoderPlan(config, size), 3, size);
    const inTiles = await decoded(tiled, 3, size);
    expect(largestDifference(inTiles.pictures, whole.pictures)).toBeLessThanOrEqual(1e-5);
    // Clipped to [-1, 1]: a decode that is all border would prove nothing.
    const inside = whole.pictures.filter((value) => Math.abs(value) < 1);
    expect(inside.length).toBeGreaterThan(whole.pictures.length / 2);
  });
});
