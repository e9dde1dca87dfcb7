import { afterAll, describe, expect, test } from 'vitest';
import { decodeActivationBytes, largestTensorBytes } from '../../decode/cost.ts';
import { planPhase } from '../../runtime/planner.ts';
import { testBackend } from '../../testing/backend.ts';
import { decodeRandom, largestDifference, vaeConfig, type VaeForm } from '../../testing/wan-vae.ts';
import { parseVaeConfig } from './config.ts';
import { decoderPlan } from './vae-decoder.ts';

const FORMS: Readonly<Record<string, VaeForm>> = {
  '2.1': { dimMult: [1, 2, 2], downsample: [false, true], isResidual: false },
  'deeper 2.1': { dimMult: [1, 2, 4, 4], downsample: [true, false, true], isResidual: false },
  '2.2': { dimMult: [1, 2, 2], downsample: [true, true], isResidual: true },
  'deeper 2.2': { dimMult: [1, 2, 4, 4], downsample: [false, true, true], isResidual: true },
};

function ones(length: number): number[] {
  return Array.from({ length }, () => 1);
}

function zeros(length: number): number[] {
  return Array.from({ length }, () => 0);
}

afterAll(async () => {
  await (await testBackend()).dispose();
});

describe.each(Object.entries(FORMS))('tiles of a %s decoder', (_, form) => {
  const config = vaeConfig(form);
  const scale = config.scaleFactorSpatial;

  test.each([
    { height: 4, width: 5, tile: scale },
    { height: 7, width: 3, tile: 2 * scale },
    { height: 6, width: 11, tile: 3 * scale - 1 },
  ])('change no pixel: $height x $width latents, $tile pixels', async ({ tile, ...size }) => {
    const tiled = decoderPlan(config, size, tile);
    expect(tiled.isTiled).toBe(true);
    const whole = await decodeRandom(decoderPlan(config, size), 3, size);
    const inTiles = await decodeRandom(tiled, 3, size);
    expect(largestDifference(inTiles.pictures, whole.pictures)).toBeLessThanOrEqual(1e-5);
    // Pictures are clipped: if most pixels were at a bound, their being equal would say little.
    const inside = whole.pictures.filter((value) => Math.abs(value) < 1);
    expect(inside.length).toBeGreaterThan(whole.pictures.length / 2);
  });
});

test('tiles with weights that are streamed change no pixel either', async () => {
  const config = vaeConfig({ dimMult: [1, 2, 2], downsample: [true, true], isResidual: true });
  const size = { height: 5, width: 4 };
  const plan = decoderPlan(config, size, 2 * config.scaleFactorSpatial);
  const needs = { stages: plan.rest, variants: plan.first, activationBytes: 0 };
  const { workingSetBytes, weightBytes } = planPhase(needs, Infinity);
  const { streaming } = planPhase(needs, workingSetBytes + weightBytes / 2);
  expect(streaming?.streamed.length).toBeGreaterThan(2);
  const resident = await decodeRandom(plan, 3, size);
  const streamed = await decodeRandom(plan, 3, size, streaming);
  expect(streamed.pictures).toEqual(resident.pictures);
});

describe('memory of a decode in tiles', () => {
  const config = vaeConfig({ dimMult: [1, 2], downsample: [true], isResidual: false });

  test('does not depend on the clip: 17, 65 and 257 frames', async () => {
    const size = { height: 2, width: 6 };
    const plan = decoderPlan(config, size, config.scaleFactorSpatial);
    const peaks: number[] = [];
    for (const frames of [17, 65, 257]) {
      const latentFrames = (frames - 1) / config.scaleFactorTemporal + 1;
      peaks.push((await decodeRandom(plan, latentFrames, size)).memory.peakBytes);
    }
    const [shortest = 0] = peaks;
    for (const peak of peaks) expect(Math.abs(peak / shortest - 1)).toBeLessThanOrEqual(0.02);
  });

  test('does not depend on the area: once, twice and four times', async () => {
    const tile = 2 * config.scaleFactorSpatial;
    const peaks: number[] = [];
    for (const [height, width] of [
      [8, 8],
      [8, 16],
      [16, 16],
    ] as const) {
      const plan = decoderPlan(config, { height, width }, tile);
      peaks.push((await decodeRandom(plan, 2, { height, width })).memory.peakBytes);
    }
    const [smallest = 0] = peaks;
    for (const peak of peaks) expect(peak).toBe(smallest);
  });
});

describe('real decoders', () => {
  const wan21 = parseVaeConfig({
    z_dim: 16,
    base_dim: 96,
    dim_mult: [1, 2, 4, 4],
    num_res_blocks: 2,
    temperal_downsample: [false, true, true],
    latents_mean: zeros(16),
    latents_std: ones(16),
  });
  const wan22 = parseVaeConfig({
    z_dim: 48,
    base_dim: 160,
    decoder_base_dim: 256,
    dim_mult: [1, 2, 4, 4],
    num_res_blocks: 2,
    temperal_downsample: [false, true, true],
    is_residual: true,
    out_channels: 12,
    patch_size: 2,
    latents_mean: zeros(48),
    latents_std: ones(48),
  });
  /** What every WebGPU device can bind to a kernel. */
  const LEAST_LIMIT = 128 * 1024 ** 2;

  test.each([
    { name: 'Wan 2.1', config: wan21, width: 832, height: 480, tile: 144 },
    { name: 'Wan 2.1', config: wan21, width: 1280, height: 720, tile: 144 },
    { name: 'Wan 2.2 5B', config: wan22, width: 1280, height: 704, tile: 128 },
  ])(
    'tensors of $name at $width x $height can be bound anywhere in tiles of $tile pixels',
    ({ config, width, height, tile }) => {
      const scale = config.scaleFactorSpatial;
      const size = { height: height / scale, width: width / scale };
      expect(largestTensorBytes(decoderPlan(config, size))).toBeGreaterThan(LEAST_LIMIT);
      expect(largestTensorBytes(decoderPlan(config, size, tile))).toBeLessThanOrEqual(LEAST_LIMIT);
    },
  );

  test('are foretold to take the same for any area', () => {
    const peaks = [
      { width: 832, height: 480 },
      { width: 1664, height: 480 },
      { width: 1664, height: 960 },
    ].map(({ width, height }) => {
      const scale = wan21.scaleFactorSpatial;
      const plan = decoderPlan(wan21, { width: width / scale, height: height / scale }, 144);
      const activationBytes = decodeActivationBytes(plan);
      return planPhase({ stages: plan.rest, variants: plan.first, activationBytes }, Infinity)
        .predictedPeakBytes;
    });
    expect(new Set(peaks).size).toBe(1);
  });
});
