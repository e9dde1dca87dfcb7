import { afterEach, expect, test } from 'vitest';
import { testGpu } from '../testing/backend.ts';
import { repositoryFolder } from '../testing/fixtures.ts';
import type { FrameGroup, MemoryOptions, VideoResult, WeightsFormat } from './api.ts';
import { EnginePipeline } from './engine.ts';

let pipeline: EnginePipeline | undefined;

afterEach(() => pipeline?.dispose());

async function generate(
  weights: MemoryOptions['weights'] & {},
  memory: MemoryOptions = {},
): Promise<{ result: VideoResult; frames: readonly FrameGroup[] }> {
  const source = await repositoryFolder('models/pocket');
  pipeline = await EnginePipeline.fromSource(source, {
    ...(await testGpu()),
    dtype: 'float32',
    memory: { weights, ...memory },
  });
  const result = await pipeline.generate({
    prompt: 'a red ball moves right',
    seed: 3,
    width: 32,
    height: 32,
    numFrames: 5,
    numInferenceSteps: 4,
    // Guidance would enlarge the errors by as much as the two texts differ, which is for training to say.
    guidanceScale: 1,
  });
  return { result, frames: await result.frames() };
}

/** dB, over all channels of all frames. */
function psnr(a: readonly FrameGroup[], b: readonly FrameGroup[]): number {
  let squares = 0;
  let count = 0;
  for (const [i, { rgba }] of a.entries()) {
    for (const [at, value] of rgba.entries()) {
      squares += (value - (b[i]?.rgba[at] ?? Number.NaN)) ** 2;
      count++;
    }
  }
  return 10 * Math.log10(255 ** 2 / (squares / count));
}

/** Measured: q8 65 dB, q4 44 dB. */
test('quantized weights take less memory and make nearly the same clip', async () => {
  const f32 = await generate('f32');
  const q8 = await generate('q8');
  const q4 = await generate('q4');
  expect(psnr(q8.frames, f32.frames)).toBeGreaterThan(45);
  expect(psnr(q4.frames, f32.frames)).toBeGreaterThan(28);
  // Without the runtime's own, which is the same for all.
  const [most = 0, less = 0, least = 0] = [f32, q8, q4].map(({ result: { memory } }) => {
    const { peakBytes, byKind } = memory;
    return peakBytes - (byKind.onnxruntime ?? 0);
  });
  expect(less).toBeLessThan(0.75 * most);
  expect(least).toBeLessThanOrEqual(less);
  for (const figure of ['ramBytes', 'streamedBytes'] as const) {
    expect(q8.result.memory[figure]).toBeLessThan(0.75 * f32.result.memory[figure]);
    expect(q4.result.memory[figure]).toBeLessThanOrEqual(q8.result.memory[figure]);
  }
});

test('a text encoder in fewer bits than its transformer', async () => {
  const f32 = await generate('f32');
  const q4 = await generate('q4');
  const mixed = await generate({ text_encoder: 'q4', transformer: 'q8' });
  expect(psnr(mixed.frames, f32.frames)).toBeGreaterThan(psnr(q4.frames, f32.frames));
  expect(mixed.result.memory.ramBytes).toBeGreaterThan(q4.result.memory.ramBytes);
  const q8 = await generate('q8');
  expect(mixed.result.memory.ramBytes).toBeLessThan(q8.result.memory.ramBytes);
});

test('a format that is none is refused', async () => {
  await expect(generate('q2' as WeightsFormat)).rejects.toMatchObject({
    code: 'invalid-argument',
    message: expect.stringContaining('memory.weights'),
  });
});
