import { afterEach, describe, expect, test } from 'vitest';
import { openCheckpoint } from '../families/open-checkpoint.ts';
import { planPhase } from '../runtime/planner.ts';
import { testGpu } from '../testing/backend.ts';
import { repositoryFolder } from '../testing/fixtures.ts';
import type { FrameGroup, GenerateOptions } from './api.ts';
import { EnginePipeline } from './engine.ts';

const REQUEST: GenerateOptions = {
  prompt: 'a red circle moves right',
  seed: 3,
  width: 32,
  height: 32,
  numFrames: 5,
  numInferenceSteps: 2,
  guidanceScale: 4,
};

let pipeline: EnginePipeline | undefined;

afterEach(() => pipeline?.dispose());

async function generate(
  budgetBytes?: number,
): Promise<{ frames: readonly FrameGroup[]; peak: number }> {
  const source = await repositoryFolder('models/pocket');
  pipeline = await EnginePipeline.fromSource(source, {
    ...(await testGpu()),
    dtype: 'float32',
    memory: budgetBytes === undefined ? {} : { budgetBytes },
  });
  const result = await pipeline.generate(REQUEST);
  return { frames: await result.frames(), peak: result.memory.peakBytes };
}

/** Weights and working set of the denoiser, and the least that the decoder needs. */
async function denoiserPlan(): Promise<{ weights: number; workingSet: number; least: number }> {
  const checkpoint = await openCheckpoint(await repositoryFolder('models/pocket'));
  const { maxSequenceLength: textTokens } = checkpoint.defaults;
  const latents = checkpoint.latentShape({ width: 32, height: 32, numFrames: 5 });
  const needs = checkpoint.needs(
    { latents, textTokens, batch: 2, texts: 2 },
    { linear: 'float32' },
  );
  const { weightBytes, workingSetBytes } = planPhase(needs.transformer, Infinity);
  const vae = planPhase(needs.vae, Infinity);
  return { weights: weightBytes, workingSet: workingSetBytes, least: vae.predictedPeakBytes };
}

describe('a budget', () => {
  test('is kept, and changes no pixel', async () => {
    const { weights, workingSet, least } = await denoiserPlan();
    const whole = await generate();
    for (const share of [0.75, 0.5]) {
      const budget = Math.max(least, workingSet + weights * share);
      const { frames, peak } = await generate(budget);
      expect(peak).toBeLessThanOrEqual(budget);
      expect(peak).toBeLessThan(whole.peak);
      expect(frames).toEqual(whole.frames);
    }
  });

  test('that cannot be kept is refused before anything is computed, with the least that would do', async () => {
    await expect(generate(1_000_000)).rejects.toMatchObject({
      code: 'out-of-memory',
      message: expect.stringContaining('is the least'),
    });
    expect((await pipeline?.memory())?.liveBytes).toBe(0);
  });
});
