import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isAbortError } from '../errors.ts';
import { repositoryFolder } from '../testing/fixtures.ts';
import type { FrameGroup, GenerateOptions } from './api.ts';
import { EnginePipeline } from './engine.ts';

const REQUEST: GenerateOptions = {
  prompt: 'a red circle moves right',
  seed: 7,
  width: 16,
  height: 16,
  numFrames: 5,
  numInferenceSteps: 2,
  guidanceScale: 4,
};

let pipeline: EnginePipeline;

async function open(): Promise<EnginePipeline> {
  return EnginePipeline.fromSource(await repositoryFolder('models/pocket'), { device: 'wasm' });
}

async function framesOf(options: Partial<GenerateOptions>): Promise<readonly FrameGroup[]> {
  const result = await pipeline.generate({ ...REQUEST, ...options });
  return result.frames();
}

/** What the pipeline holds; the runtime's heap never shrinks. */
async function liveBytes(): Promise<number> {
  const { liveBytes: all, byKind } = await pipeline.memory();
  return all - (byKind.onnxruntime ?? 0);
}

function blunder(): never {
  throw new RangeError('a mistake of the caller');
}

beforeAll(async () => {
  pipeline = await open();
});

afterAll(() => pipeline.dispose());

describe('a pipeline on the CPU', () => {
  test('makes the same frames from the same seed, and others from another', async () => {
    const once = await framesOf({});
    expect(await framesOf({})).toEqual(once);
    expect(await framesOf({ seed: 8 })).not.toEqual(once);
    expect(await liveBytes()).toBe(0);
  });

  test('hands on every frame, in order, in the size that was asked for', async () => {
    const seen: number[] = [];
    const groups = await framesOf({
      width: 32,
      onFrames: ({ firstFrame }) => void seen.push(firstFrame),
    });
    expect(groups.map(({ firstFrame, count }) => [firstFrame, count])).toEqual([
      [0, 1],
      [1, 4],
    ]);
    expect(seen).toEqual([0, 1]);
    for (const { width, height, count, rgba } of groups) {
      expect([width, height]).toEqual([32, 16]);
      expect(rgba).toHaveLength(count * 32 * 16 * 4);
    }
  });

  test('makes a clip of a single frame', async () => {
    const groups = await framesOf({ numFrames: 1 });
    expect(groups.map(({ count }) => count)).toEqual([1]);
  });

  test('makes of an empty prompt what its embeddings make', async () => {
    const { embeds } = await pipeline.encodePrompt('');
    const clip = { prompt: '', numFrames: 1, guidanceScale: 1 };
    const frames = await framesOf(clip);
    expect(await framesOf({ ...clip, promptEmbeds: embeds })).toEqual(frames);
    expect(await framesOf({ ...clip, prompt: 'a blue square' })).not.toEqual(frames);
  });

  test('makes the same frames of −1 and of 2^64 − 1, which it reports as they were given', async () => {
    const clip = { ...REQUEST, numFrames: 1, numInferenceSteps: 1, guidanceScale: 1 };
    const made = await pipeline.generate({ ...clip, seed: -1 });
    const same = await pipeline.generate({ ...clip, seed: 2n ** 64n - 1n });
    expect(await same.frames()).toEqual(await made.frames());
    expect(made.parameters.seed).toBe(-1);
    expect(same.parameters.seed).toBe(2n ** 64n - 1n);
    const { files } = await same.encode({ container: 'gif' });
    expect(files[0]?.name).toContain('18446744073709551615');
    expect(await files[0]?.blob.text()).toContain('"seed":18446744073709551615,');
  });

  test('at guidance 1 takes no notice of the negative prompt', async () => {
    const plain = await framesOf({ guidanceScale: 1 });
    expect(await framesOf({ guidanceScale: 1, negativePrompt: 'a blue square' })).toEqual(plain);
    const guided = await framesOf({});
    expect(await framesOf({ negativePrompt: 'a blue square' })).not.toEqual(guided);
  });

  test('says how many tokens of a long prompt were cut', async () => {
    const { checkpoint } = pipeline;
    const { maxSequenceLength } = checkpoint.defaults;
    const request = { ...REQUEST, numFrames: 1, guidanceScale: 1 };
    const fitting = await pipeline.generate(request);
    expect(fitting.notices.map(({ code }) => code)).not.toContain('prompt-truncated');
    const cutBy = async (words: number): Promise<number> => {
      const prompt = Array.from({ length: words }, () => 'red').join(' ');
      const { notices } = await pipeline.generate({ ...request, prompt });
      const notice = notices.find(({ code }) => code === 'prompt-truncated');
      return Number(/last (\d+) tokens/.exec(notice?.message ?? '')?.[1]);
    };
    const cut = await cutBy(2 * maxSequenceLength);
    expect(cut).toBeGreaterThan(0);
    expect(await cutBy(2 * maxSequenceLength + 3)).toBe(cut + 3);
  });

  test.each([
    ['the denoising', { onStepEnd: 'abort' }],
    ['the decoding', { onFrames: 'abort' }],
  ] as const)('can be cancelled in %s, and leaves nothing behind', async (_, hooks) => {
    const before = await liveBytes();
    const controller = new AbortController();
    const abort = (): void => controller.abort();
    const hook = Object.fromEntries(Object.keys(hooks).map((name) => [name, abort]));
    const run = pipeline.generate({ ...REQUEST, ...hook, signal: controller.signal });
    await expect(run).rejects.toSatisfy(isAbortError);
    expect(await liveBytes()).toBe(before);
    expect(await framesOf({ numFrames: 1 })).toHaveLength(1);
  });

  test('refuses a signal that was aborted before, and computes nothing', async () => {
    const run = pipeline.generate({
      ...REQUEST,
      onProgress: () => expect.unreachable(),
      signal: AbortSignal.abort(),
    });
    await expect(run).rejects.toSatisfy(isAbortError);
  });

  test('frees everything when a callback throws', async () => {
    await expect(pipeline.generate({ ...REQUEST, onStepEnd: blunder })).rejects.toThrow(RangeError);
    expect(await liveBytes()).toBe(0);
    expect(await framesOf({ numFrames: 1 })).toHaveLength(1);
  });

  test('refuses a second run beside the first', async () => {
    const first = pipeline.generate({ ...REQUEST, numFrames: 1 });
    await expect(pipeline.generate(REQUEST)).rejects.toMatchObject({
      code: 'invalid-argument',
      message: expect.stringContaining('already generating'),
    });
    await first;
  });

  test('stays usable after a request that was refused', async () => {
    await expect(pipeline.generate({ ...REQUEST, width: 17 })).rejects.toMatchObject({
      code: 'invalid-argument',
      hint: expect.stringContaining('nearest valid: 16'),
    });
    expect(await framesOf({ numFrames: 1 })).toHaveLength(1);
  });

  test('tells progress that only grows, and ends each phase at 1', async () => {
    const fractions = new Map<string, number[]>();
    await framesOf({
      onProgress: (progress) => {
        const key = progress.type === 'compile' ? `compile ${progress.stage}` : progress.type;
        fractions.set(key, [...(fractions.get(key) ?? []), progress.fraction]);
      },
    });
    expect(fractions.size).toBe(5);
    for (const list of fractions.values()) {
      expect(list).toEqual(list.toSorted((a, b) => a - b));
      expect(list.at(-1)).toBe(1);
    }
  });

  test('refuses to generate after it was disposed of, however often', async () => {
    const other = await open();
    await other.dispose();
    await other.dispose();
    await expect(other.generate(REQUEST)).rejects.toMatchObject({
      code: 'invalid-argument',
      message: expect.stringContaining('disposed'),
    });
  });
});
