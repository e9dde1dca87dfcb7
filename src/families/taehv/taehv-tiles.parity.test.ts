import { afterAll, describe, expect, test } from 'vitest';
import { testBackend } from '../../testing/backend.ts';
import { predictedDecodePeak } from '../../testing/decode-peak.ts';
import { decodeRandom, largestDifference } from '../../testing/wan-vae.ts';
import { taehvPlan } from './decoder.ts';
import { spatialScale, temporalScale, type TaehvLayout } from './layout.ts';

const PLAIN: TaehvLayout = {
  latentChannels: 4,
  widths: [16, 12, 8, 8],
  growth: [1, 2, 2],
  patchSize: 1,
};
const PATCHED: TaehvLayout = { ...PLAIN, widths: [10, 8, 6, 4], patchSize: 2 };

afterAll(async () => {
  await (await testBackend()).dispose();
});

describe.each([
  { name: 'pixels', layout: PLAIN, height: 4, width: 6, tile: 2 },
  { name: 'patches', layout: PATCHED, height: 3, width: 7, tile: 3 },
])('a decode in tiles, the last layer giving $name', ({ layout, height, width, tile }) => {
  test('equals that of whole frames, as predicted, and takes no more for a longer clip', async () => {
    const backend = await testBackend();
    const size = { height, width };
    const whole = await decodeRandom(taehvPlan(layout, size), 3, size);
    // Of random weights most pixels are clipped: the others are what is compared.
    const inside = whole.pictures.filter((value) => Math.abs(value) < 1);
    expect(inside.length).toBeGreaterThan(whole.pictures.length / 10);
    // What onnxruntime keeps for those graphs is no part of the tiles' peak.
    await backend.trim({ sessions: true });
    const plan = taehvPlan(layout, size, tile * spatialScale(layout));
    expect(plan.isTiled).toBe(true);
    const short = await decodeRandom(plan, 3, size);
    const long = await decodeRandom(plan, 6, size);
    expect(largestDifference(short.pictures, whole.pictures)).toBeLessThanOrEqual(1e-4);
    expect(long.memory.peakBytes).toBeLessThanOrEqual(1.02 * short.memory.peakBytes);
    expect(long.memory.peakBytes).toBeLessThanOrEqual(predictedDecodePeak(plan));
    await backend.trim({ sessions: true });
  });
});

test('whole frames take what was predicted, for a clip of any length', async () => {
  const backend = await testBackend();
  await backend.trim({ sessions: true });
  const size = { height: 3, width: 4 };
  const plan = taehvPlan(PLAIN, size);
  const peaks: number[] = [];
  for (const frames of [17, 65]) {
    const latentFrames = (frames - 1) / temporalScale(PLAIN) + 1;
    const { pictures, memory } = await decodeRandom(plan, latentFrames, size);
    expect(pictures).toHaveLength(frames * 3 * 4 * spatialScale(PLAIN) ** 2 * 3);
    peaks.push(memory.peakBytes);
  }
  const [short = 0, long = 0] = peaks;
  expect(long).toBe(short);
  expect(long).toBeLessThanOrEqual(predictedDecodePeak(plan));
  if (backend.report.device === 'webgpu') {
    // wasm's ledger does not see onnxruntime's own memory.
    expect(predictedDecodePeak(plan)).toBeLessThanOrEqual(1.1 * long);
  }
});
