import { afterEach, describe, expect, test, vi } from 'vitest';
import { openCheckpoint } from '../families/open-checkpoint.ts';
import { BudgetTooSmallError, type PhaseNeeds, planPhase } from '../runtime/planner.ts';
import { wasmThreads } from '../runtime/ort.ts';
import { type HeapState, wasmHeap } from '../runtime/wasm-heap.ts';
import { testGpu } from '../testing/backend.ts';
import { repositoryFolder } from '../testing/fixtures.ts';
import type { ClipSize, FrameGroup, GenerateOptions, MemoryOptions } from './api.ts';
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
  memory: MemoryOptions = {},
): Promise<{ frames: readonly FrameGroup[]; peak: number; streamed: number }> {
  const source = await repositoryFolder('models/pocket');
  pipeline = await EnginePipeline.fromSource(source, {
    ...(await testGpu()),
    dtype: 'float32',
    memory,
  });
  const result = await pipeline.generate(REQUEST);
  const { peakBytes: peak, streamedBytes: streamed } = result.memory;
  return { frames: await result.frames(), peak, streamed };
}

/** Weights and working set of the denoiser, and the least in which whole frames can be decoded. */
async function denoiserPlan(): Promise<{ weights: number; workingSet: number; least: number }> {
  const checkpoint = await openCheckpoint(await repositoryFolder('models/pocket'));
  const { maxSequenceLength: textTokens } = checkpoint.defaults;
  const latents = checkpoint.latentShape({ width: 32, height: 32, numFrames: 5 });
  const needs = checkpoint.needs(
    { latents, textTokens, batch: 2, texts: 2 },
    { linear: 'float32' },
  );
  const { device } = await testGpu();
  const heap = device === 'wasm' ? wasmHeap.state(wasmThreads()) : undefined;
  const { weightBytes, workingSetBytes } = planPhase(needs.transformer, Infinity, { heap });
  return { weights: weightBytes, workingSet: workingSetBytes, least: leastBytes(needs.vae, heap) };
}

function leastBytes(needs: PhaseNeeds, heap: HeapState | undefined): number {
  try {
    return planPhase(needs, 0, { heap }).predictedPeakBytes;
  } catch (error) {
    if (error instanceof BudgetTooSmallError) return error.leastBytes;
    throw error;
  }
}

describe('a budget', () => {
  test('is kept, and changes no pixel', async () => {
    const { weights, workingSet, least } = await denoiserPlan();
    const whole = await generate();
    for (const share of [0.75, 0.4]) {
      const budgetBytes = Math.max(least, workingSet + weights * share);
      const { frames, peak } = await generate({ budgetBytes });
      expect(peak).toBeLessThanOrEqual(budgetBytes);
      expect(peak).toBeLessThan(whole.peak);
      expect(frames).toEqual(whole.frames);
    }
  });

  test('streams twice as much if guidance runs one pass after the other, and changes no pixel', async () => {
    const { weights, workingSet, least } = await denoiserPlan();
    const budgetBytes = Math.max(least, workingSet + weights * 0.5);
    const batched = await generate({ budgetBytes, guidance: 'batched' });
    const sequential = await generate({ budgetBytes, guidance: 'sequential' });
    expect(sequential.frames).toEqual(batched.frames);
    expect(sequential.streamed).toBeGreaterThan(batched.streamed + weights * 0.5);
  });

  test('that cannot be kept is refused before anything is computed, with the least that would do', async () => {
    await expect(generate({ budgetBytes: 1_000_000 })).rejects.toMatchObject({
      code: 'out-of-memory',
      message: expect.stringContaining('is the least'),
    });
    const { liveBytes = 0, byKind = {} } = (await pipeline?.memory()) ?? {};
    expect(liveBytes - (byKind.onnxruntime ?? 0)).toBe(0);
  });

  test('is held against the clip that is to be made before anything is fetched', async () => {
    const source = await repositoryFolder('models/pocket');
    const read = vi.spyOn(source, 'read');
    const load = (clip: ClipSize, budgetBytes: number): Promise<EnginePipeline> =>
      EnginePipeline.fromSource(source, { device: 'wasm', memory: { budgetBytes }, clip });
    await expect(load({ numFrames: 33 }, 1e6)).rejects.toMatchObject({ code: 'out-of-memory' });
    await expect(load({ width: 33 }, 1e9)).rejects.toMatchObject({ code: 'invalid-argument' });
    const fetched = read.mock.calls.reduce((sum, [, start, end]) => sum + end - start, 0);
    expect(fetched).toBeLessThan(100_000);
  });
});
