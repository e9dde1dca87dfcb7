import { afterEach, describe, expect, test } from 'vitest';
import { isAbortError, ZoetropeError } from '../errors.ts';
import { FailingBackends } from '../testing/failing-backend.ts';
import { repositoryFolder } from '../testing/fixtures.ts';
import type { FrameGroup, GenerateOptions } from './api.ts';
import { EnginePipeline } from './engine.ts';

const REQUEST: GenerateOptions = {
  prompt: 'a red circle moves right',
  seed: 7,
  width: 16,
  height: 16,
  numFrames: 1,
  numInferenceSteps: 2,
  guidanceScale: 1,
};

const LOST = new ZoetropeError('device-lost', 'The GPU was lost.', 'Generate again.');
const FULL = new ZoetropeError('out-of-memory', 'no room for a buffer', 'A smaller clip.');
const GONE = new ZoetropeError('webgpu-unavailable', 'No adapter.', 'Restart the browser.');

let backends: FailingBackends;
let pipeline: EnginePipeline;

async function open(): Promise<void> {
  backends = new FailingBackends();
  const source = await repositoryFolder('models/pocket');
  pipeline = await EnginePipeline.fromSource(source, { openBackend: backends.open });
}

afterEach(() => pipeline.dispose());

async function frames(options: Partial<GenerateOptions> = {}): Promise<readonly FrameGroup[]> {
  return (await pipeline.generate({ ...REQUEST, ...options })).frames();
}

describe('a backend', () => {
  test.each([
    ['has run out of memory', FULL],
    ['is lost', LOST],
  ])('that %s in a run is freed, and the next run opens another', async (_, failure) => {
    await open();
    const expected = await frames();
    backends.last.failAfter(3, failure);
    await expect(frames()).rejects.toBe(failure);
    expect(backends.last.isDisposed).toBe(true);
    expect(backends.last.ledger.read().liveBytes).toBe(0);
    expect(backends.all).toHaveLength(1);
    expect(await frames()).toEqual(expected);
    expect(backends.all).toHaveLength(2);
    expect(pipeline.isLost).toBe(false);
  });

  test('that is lost while nothing runs costs no clip', async () => {
    await open();
    const expected = await frames();
    backends.last.failure = LOST;
    expect(await frames()).toEqual(expected);
    expect(backends.all.map(({ isDisposed }) => isDisposed)).toEqual([true, false]);
  });

  test('that cannot be opened again is a failure of the next call, not of the run before', async () => {
    await open();
    backends.last.failAfter(3, LOST);
    backends.refusal = GONE;
    await expect(frames()).rejects.toBe(LOST);
    await expect(frames()).rejects.toBe(GONE);
    await expect(pipeline.encodePrompt('a red circle')).rejects.toBe(GONE);
    backends.refusal = undefined;
    expect(await frames()).toHaveLength(1);
  });

  test('of another GPU, which can do less, is refused in words', async () => {
    await open();
    backends.last.failure = LOST;
    Object.assign(backends.last, { report: { ...backends.last.report, hasShaderF16: true } });
    await expect(frames()).rejects.toMatchObject({
      code: 'device-lost',
      hint: expect.stringContaining('Load the model again'),
    });
    expect(backends.last.isDisposed).toBe(true);
  });
});

describe('disposing of a pipeline that generates', () => {
  test.each(['onStepEnd', 'onProgress'] as const)('ends the run, in %s', async (hook) => {
    await open();
    let disposal: Promise<void> | undefined;
    const run = frames({
      numInferenceSteps: 40,
      [hook]: () => {
        disposal ??= pipeline.dispose();
      },
    });
    await expect(run).rejects.toSatisfy(isAbortError);
    await disposal;
    expect(backends.last.isDisposed).toBe(true);
    expect(backends.last.ledger.read().liveBytes).toBe(0);
    await pipeline.dispose();
    await expect(frames()).rejects.toMatchObject({ code: 'invalid-argument' });
  });

  test('can be waited for by the callback that is waited for', async () => {
    await open();
    const run = frames({ onFrames: () => pipeline.dispose() });
    await expect(run).rejects.toSatisfy(isAbortError);
    await pipeline.dispose();
    expect(backends.last.isDisposed).toBe(true);
  });

  test('ends the encoding of a prompt', async () => {
    await open();
    const encoding = pipeline.encodePrompt('a red circle moves right');
    await Promise.all([expect(encoding).rejects.toSatisfy(isAbortError), pipeline.dispose()]);
  });

  test('leaves a finished clip as it is, until that is disposed of itself', async () => {
    await open();
    const result = await pipeline.generate(REQUEST);
    const before = await result.frames();
    await pipeline.dispose();
    expect(await result.frames()).toBe(before);
    await result.dispose();
    await result.dispose();
    const gone = { code: 'invalid-argument', message: expect.stringContaining('disposed') };
    await expect(result.frames()).rejects.toMatchObject(gone);
    await expect(result.encode({ container: 'gif' })).rejects.toMatchObject(gone);
  });
});

test('a cancel ends a run whose callback never settles', async () => {
  await open();
  const controller = new AbortController();
  const run = frames({
    signal: controller.signal,
    onFrames: () => {
      setTimeout(() => controller.abort());
      return new Promise(() => undefined);
    },
  });
  await expect(run).rejects.toSatisfy(isAbortError);
  expect(await frames()).toHaveLength(1);
});
