import { afterAll, describe, expect, test } from 'vitest';
import { testBackend } from '../../testing/backend.ts';
import { predictedDecodePeak } from '../../testing/decode-peak.ts';
import { decodeRandom, largestDifference, vaeConfig } from '../../testing/wan-vae.ts';
import { decoderPlan } from './vae-decoder.ts';

const CONFIG = vaeConfig({
  dimMult: [1, 2],
  downsample: [true],
  isResidual: false,
  baseDim: 24,
});
const SIZE = { height: 6, width: 14 };
const TILE = 6 * CONFIG.scaleFactorSpatial;

afterAll(async () => {
  await (await testBackend()).dispose();
});

describe('a decode in tiles, on the device of the test', () => {
  test('equals that of whole frames, takes what was predicted, and no more for a longer clip', async () => {
    const backend = await testBackend();
    const whole = await decodeRandom(decoderPlan(CONFIG, SIZE), 3, SIZE);
    // What onnxruntime keeps for those graphs is no part of the tiles' peak.
    await backend.trim({ sessions: true });
    const plan = decoderPlan(CONFIG, SIZE, TILE);
    const short = await decodeRandom(plan, 3, SIZE);
    const long = await decodeRandom(plan, 6, SIZE);

    expect(largestDifference(short.pictures, whole.pictures)).toBeLessThanOrEqual(1e-4);
    expect(long.memory.peakBytes).toBeLessThanOrEqual(1.02 * short.memory.peakBytes);
    expect(long.memory.peakBytes).toBeLessThanOrEqual(predictedDecodePeak(plan));
    if (backend.report.device === 'webgpu') {
      // wasm's ledger does not see onnxruntime's own memory.
      expect(predictedDecodePeak(plan)).toBeLessThanOrEqual(1.1 * long.memory.peakBytes);
    }
  });
});
