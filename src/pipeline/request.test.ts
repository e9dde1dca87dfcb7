import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ZoetropeError } from '../errors.ts';
import type { GenerateOptions } from './api.ts';
import { Clock } from './clock.ts';
import { toFrameGroup } from './frames.ts';
import { applyGuidance } from './guidance.ts';
import { type RequestContext, resolveRequest } from './request.ts';

const CONTEXT: RequestContext = {
  model: 'pocket',
  scheduler: 'UniPCMultistepScheduler',
  device: 'wasm',
  dtype: 'float32',
  defaults: {
    height: 64,
    width: 64,
    numFrames: 17,
    numInferenceSteps: 14,
    guidanceScale: 4.5,
    frameRate: 8,
    maxSequenceLength: 32,
  },
  constraints: { sizeMultiple: 16, frameMultiple: 4, maxSize: 512, maxFrames: 83 },
};

function refusal(options: {
  readonly [K in keyof GenerateOptions]?: GenerateOptions[K] | undefined;
}): ZoetropeError {
  try {
    resolveRequest({ prompt: 'a ball', ...options } as GenerateOptions, CONTEXT);
  } catch (error) {
    if (error instanceof ZoetropeError) return error;
    throw error;
  }
  throw new Error(`${JSON.stringify(options)} was accepted`);
}

function offered(options: Partial<GenerateOptions>): number {
  return Number(/nearest valid: (-?[\d.]+)\.$/.exec(refusal(options).hint)?.[1]);
}

describe('a request', () => {
  test('takes the defaults for what it leaves out', () => {
    const { seed, ...rest } = resolveRequest({ prompt: '  a   ball ' }, CONTEXT);
    const { defaults, constraints: _, ...others } = CONTEXT;
    expect(rest).toEqual({ ...defaults, ...others, prompt: '  a   ball ', negativePrompt: '' });
    expect(Number.isSafeInteger(seed)).toBe(true);
  });

  test.each([
    ['prompt', { prompt: undefined }],
    ['guidanceScale', { guidanceScale: Number.NaN }],
    ['guidanceScale', { guidanceScale: -1 }],
    ['guidanceScale', { guidanceScale: Number.POSITIVE_INFINITY }],
    ['numInferenceSteps', { numInferenceSteps: 0 }],
    ['numInferenceSteps', { numInferenceSteps: 2.5 }],
    ['numInferenceSteps', { numInferenceSteps: 1001 }],
    ['numFrames', { numFrames: 0 }],
    ['numFrames', { numFrames: 5.5 }],
    ['numFrames', { numFrames: 16 }],
    ['numFrames', { numFrames: 85 }],
    ['width', { width: 0 }],
    ['width', { width: 100 }],
    ['width', { width: Number.NaN }],
    ['height', { height: -16 }],
    ['height', { height: 528 }],
    ['seed', { seed: 2n ** 64n }],
    ['seed', { seed: -(2n ** 63n) - 1n }],
    ['seed', { seed: 0.5 }],
    ['seed', { seed: 2 ** 53 }],
    ['maxSequenceLength', { maxSequenceLength: 33 }],
    ['frameRate', { frameRate: 0 }],
    ['scheduler', { scheduler: 'DDIMScheduler' as 'UniPCMultistepScheduler' }],
    ['initNoiseSigma', { initNoiseSigma: 0 }],
  ] as const)('is refused for its %s: %o', (name, options) => {
    const { code, message } = refusal(options);
    expect(code).toBe('invalid-argument');
    expect(message).toMatch(new RegExp(`^${name}:`));
  });

  test.each(['', ' \n ', '&nbsp;'])('may have an empty prompt: %j', (prompt) => {
    expect(resolveRequest({ prompt }, CONTEXT).prompt).toBe(prompt);
  });

  test('takes the number of steps from the times that it gives, and keeps both', () => {
    const timesteps = [1000, 757, 522];
    expect(resolveRequest({ prompt: 'a ball', timesteps }, CONTEXT)).toMatchObject({
      numInferenceSteps: 3,
      timesteps,
    });
    const sigmas = [1, 0.5];
    expect(resolveRequest({ prompt: 'a ball', sigmas }, CONTEXT)).toMatchObject({
      numInferenceSteps: 2,
      sigmas,
    });
  });

  test('at the ends of every range is accepted', () => {
    for (const options of [
      { seed: 0, width: 16, height: 512, numFrames: 1, guidanceScale: 0, frameRate: 1 },
      { seed: -1 },
      { seed: -(2n ** 63n) },
      { seed: 2n ** 64n - 1n },
      { seed: 2 ** 53 - 1, numFrames: 81, numInferenceSteps: 1000, maxSequenceLength: 1 },
    ]) {
      expect(resolveRequest({ prompt: 'a ball', ...options }, CONTEXT)).toMatchObject(options);
    }
  });

  test('that is refused is told the nearest size, which is accepted', () => {
    fc.assert(
      fc.property(fc.integer({ min: -1000, max: 2000 }), (width) => {
        fc.pre(width < 16 || width > 512 || width % 16 !== 0);
        const nearest = offered({ width });
        expect(resolveRequest({ prompt: 'a ball', width: nearest }, CONTEXT).width).toBe(nearest);
        const valid = Array.from({ length: 32 }, (_, i) => 16 * (i + 1));
        const least = Math.min(...valid.map((each) => Math.abs(each - width)));
        expect(Math.abs(nearest - width)).toBe(least);
      }),
    );
  });

  test('that is refused is told the nearest number of frames, which is accepted', () => {
    fc.assert(
      fc.property(fc.integer({ min: -50, max: 200 }), (numFrames) => {
        fc.pre(numFrames < 1 || numFrames > 81 || (numFrames - 1) % 4 !== 0);
        const nearest = offered({ numFrames });
        const valid = Array.from({ length: 21 }, (_, i) => 4 * i + 1);
        expect(valid).toContain(nearest);
        const least = Math.min(...valid.map((each) => Math.abs(each - numFrames)));
        expect(Math.abs(nearest - numFrames)).toBe(least);
      }),
    );
  });
});

/** Predictions 1, 2, −3 guided away from 0.5, 2, 1. */
function guided(scale: number): number[] {
  const conditional = Float32Array.of(1, 2, -3);
  applyGuidance(conditional, Float32Array.of(0.5, 2, 1), scale);
  return [...conditional];
}

test('guidance moves from the unconditional prediction through the conditional one', () => {
  expect(guided(0)).toEqual([0.5, 2, 1]);
  expect(guided(1)).toEqual([1, 2, -3]);
  expect(guided(4)).toEqual([2.5, 2, -15]);
});

/** The pixel in [−1, 1] of an 8-bit level. */
function pixel(level: number): number {
  return (2 * level) / 255 - 1;
}

describe('pictures', () => {
  test('are clamped, rounded half to even, and opaque', () => {
    const data = Float32Array.of(-1, pixel(127.5), 1, -7, 7, pixel(126.5));
    const { rgba, ...rest } = toFrameGroup({ data, shape: [1, 1, 2, 3] }, 4);
    expect(rest).toEqual({ firstFrame: 4, count: 1, width: 2, height: 1 });
    expect([...rgba]).toEqual([0, 128, 255, 255, 0, 255, 126, 255]);
  });
});

describe('a clock', () => {
  test('expects what is left to go at the rate measured so far', () => {
    let now = 10;
    const clock = new Clock(100, () => now);
    expect(clock.etaSeconds).toBeUndefined();
    clock.start();
    now = 12;
    clock.advance(20);
    expect(clock.etaSeconds).toBe(8);
    now = 1000;
    clock.start();
    now = 1006;
    clock.advance(20);
    expect(clock.etaSeconds).toBe(12);
    clock.advance(1000);
    expect(clock.etaSeconds).toBe(0);
  });
});
