import { describe, expect, test, vi } from 'vitest';
import { openCheckpoint } from '../families/open-checkpoint.ts';
import { probeDevice } from '../runtime/device.ts';
import { MAX_HEAP_BYTES, wasmHeap } from '../runtime/wasm-heap.ts';
import { repositoryFolder } from '../testing/fixtures.ts';
import type { ClipSize, MemoryOptions } from './api.ts';
import { EnginePipeline } from './engine.ts';
import { planMemory } from './memory-plan.ts';
import { type PlanSettings, planRun } from './plan.ts';

const source = await repositoryFolder('models/pocket');
const checkpoint = await openCheckpoint(source);
const report = await probeDevice('wasm');

interface Case {
  readonly clip: Required<Pick<ClipSize, 'width' | 'height' | 'numFrames' | 'guidanceScale'>>;
  readonly memory: MemoryOptions;
}

/** By what they take: the memory never shrinks. */
const CASES: readonly Case[] = [
  {
    clip: { width: 32, height: 32, numFrames: 5, guidanceScale: 4 },
    memory: { budgetBytes: 26e6 },
  },
  { clip: { width: 64, height: 64, numFrames: 1, guidanceScale: 1 }, memory: { weights: 'q8' } },
  { clip: { width: 96, height: 64, numFrames: 5, guidanceScale: 4 }, memory: {} },
  { clip: { width: 128, height: 96, numFrames: 5, guidanceScale: 1 }, memory: { tile: 64 } },
];

const DEFAULTS = { ...checkpoint.defaults, width: 32, height: 32, numFrames: 5, guidanceScale: 1 };

/** Settings as in a page that was just opened, with no limit. */
function settings(changed: Partial<PlanSettings>): PlanSettings {
  const precision = { linear: 'float32' } as const;
  return {
    precision: { text_encoder: precision, transformer: precision, vae: precision },
    budgetBytes: Infinity,
    targetBytes: changed.budgetBytes ?? Infinity,
    maxTensorBytes: Infinity,
    heap: () => ({ bytes: 0, sessions: new Map(), threads: 1 }),
    ...changed,
  };
}

function planWithin(budgetBytes: number): unknown {
  return planRun(checkpoint, checkpoint.defaults, settings({ budgetBytes }));
}

describe('the plan for the CPU', () => {
  test('is never below what is taken, and at most 15 % above', async () => {
    const figures: [number, number][] = [];
    for (const { clip, memory } of CASES) {
      await using pipeline = await EnginePipeline.fromSource(source, { device: 'wasm', memory });
      const { outcome, predictedPeakBytes } = planMemory(checkpoint, report, { ...clip, memory });
      expect(outcome).toBe(memory.budgetBytes === undefined ? 'resident' : 'streamed');
      const result = await pipeline.generate({
        ...clip,
        prompt: 'a red ball moves right',
        seed: 1,
        numInferenceSteps: 1,
      });
      const { peakBytes, byKind } = result.memory;
      // The runtime's own is the whole of the WebAssembly memory.
      expect(byKind.onnxruntime).toBe(wasmHeap.bytes);
      expect(wasmHeap.bytes).toBeGreaterThanOrEqual(16 * 2 ** 20);
      figures.push([predictedPeakBytes, peakBytes]);
    }
    const table = figures.map(([plan, peak]) => `${plan} for ${peak}`).join(', ');
    for (const [plan, peak] of figures) {
      expect(plan, table).toBeGreaterThanOrEqual(peak);
      expect(plan, table).toBeLessThanOrEqual(1.15 * peak);
    }
  });

  test('of a small clip after a large one says that the memory has grown', () => {
    const read = vi.spyOn(wasmHeap, 'bytes', 'get').mockReturnValue(2 ** 30);
    const clip = { width: 32, height: 32, numFrames: 5, memory: { budgetBytes: 100e6 } };
    try {
      const { outcome, reason } = planMemory(checkpoint, report, clip);
      expect(outcome).toBe('too-large');
      expect(reason).toMatch(/has grown to 1\.1 GB for another clip and does not shrink/);
    } finally {
      read.mockRestore();
    }
    expect(planMemory(checkpoint, report, clip).outcome).not.toBe('too-large');
  });

  test('refuses what WebAssembly cannot address, before anything is fetched', async () => {
    const clip = { width: 2048, height: 2048, numFrames: 97, guidanceScale: 1 };
    for (const memory of ['auto', {}, { budgetBytes: 1e12 }] as const) {
      const plan = planMemory(checkpoint, report, { ...clip, memory });
      expect(plan).toMatchObject({ outcome: 'too-large', phases: [] });
      expect(plan.reason).toContain('WebAssembly has 4.3 GB');
      expect(plan.leastBudgetBytes).toBeUndefined();
    }
    const read = vi.spyOn(source, 'read');
    const load = EnginePipeline.fromSource(source, { device: 'wasm', clip });
    await expect(load).rejects.toMatchObject({ code: 'out-of-memory' });
    const fetched = read.mock.calls.reduce((sum, [, start, end]) => sum + end - start, 0);
    expect(fetched).toBeLessThan(100_000);

    await using pipeline = await EnginePipeline.fromSource(source, { device: 'wasm' });
    const run = pipeline.generate({ ...clip, prompt: 'a red ball' });
    await expect(run).rejects.toMatchObject({
      code: 'out-of-memory',
      hint: expect.not.stringContaining('wasm device'),
    });
    expect(wasmHeap.bytes).toBeLessThan(MAX_HEAP_BYTES / 10);
  });

  test.each([{}, { weights: 'q8' }] as const)(
    'decodes in tiles where whole frames are too large, without a budget (%o)',
    (memory) => {
      const clip = { width: 1536, height: 1536, numFrames: 5, guidanceScale: 1 };
      const plan = planMemory(checkpoint, report, { ...clip, memory });
      expect(plan.outcome).toBe('resident');
      expect(plan.tile).toBeLessThan(1536);
    },
  );

  test('proposes smaller tiles only where they are the user’s and too large', () => {
    const wide = { ...DEFAULTS, width: 1536, height: 1536 };
    expect(() => planRun(checkpoint, wide, settings({ tile: 1536 }))).toThrow(
      expect.objectContaining({ hint: expect.stringContaining('smaller tiles') }),
    );
    const long = { ...DEFAULTS, width: 2048, height: 2048, numFrames: 97 };
    for (const tile of [{}, { tile: 64 }]) {
      expect(() => planRun(checkpoint, long, settings(tile))).toThrow(
        expect.objectContaining({ hint: 'Choose a smaller size or fewer frames.' }),
      );
    }
  });

  test('proposes a smaller clip only where one would fit', () => {
    // The runtime alone takes more.
    expect(() => planWithin(5e6)).toThrow(
      expect.objectContaining({
        code: 'out-of-memory',
        hint: expect.stringMatching(
          /^Allow more memory: even the smallest clip takes [\d.]+ MB\.$/,
        ),
      }),
    );
    expect(() => planWithin(21e6)).toThrow(
      expect.objectContaining({ hint: expect.stringContaining('a smaller size') }),
    );
  });

  test('proposes no smaller clip where memory has grown past the budget', () => {
    const grown = { bytes: 42e6, sessions: new Map<string, number>(), threads: 1 };
    const plan = (budgetBytes: number, heap = grown): unknown =>
      planRun(checkpoint, DEFAULTS, settings({ budgetBytes, heap: () => heap }));
    expect(() => plan(30e6, { ...grown, bytes: 0 })).not.toThrow();
    expect(() => plan(30e6)).toThrow(
      expect.objectContaining({
        code: 'out-of-memory',
        message: expect.stringContaining('has grown to 42.0 MB'),
        hint: 'Load the page again, or allow more memory.',
      }),
    );
    // Too little for this clip in any case.
    expect(() => plan(17e6)).toThrow(/for this size/);
  });
});
