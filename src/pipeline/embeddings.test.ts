/** @file Prompt embeddings that are made, given and cached, on the bundled model. */
import { expose, proxy, releaseProxy, wrap } from 'comlink';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { repositoryFolder } from '../testing/fixtures.ts';
import { ValueCache } from '../store/value-cache.ts';
import type { GenerateOptions } from './api.ts';
import { EmbeddingCache } from './embedding-cache.ts';
import { EnginePipeline } from './engine.ts';
import { HostPipeline } from './host.ts';
import { installTransferHandlers } from './transfer.ts';

const CLIP = {
  seed: 7,
  width: 16,
  height: 16,
  numFrames: 5,
  numInferenceSteps: 2,
  guidanceScale: 4,
} as const;
const PROMPT = 'a red circle moves right';
const NEGATIVE = 'a blue square';

let pipeline: EnginePipeline;
let textDim: number;

beforeAll(async () => {
  pipeline = await EnginePipeline.fromSource(await repositoryFolder('models/pocket'), {
    device: 'wasm',
  });
  ({ textDim } = await pipeline.encodePrompt(PROMPT));
});

afterAll(() => pipeline.dispose());

function notCalled(): never {
  return expect.unreachable();
}

async function nothing(): Promise<void> {}

async function framesOf(options: GenerateOptions, from = pipeline) {
  return (await from.generate({ ...CLIP, ...options })).frames();
}

/** An engine without its text encoder. */
async function withoutEncoder(options = {}): Promise<EnginePipeline> {
  const source = await repositoryFolder('models/pocket');
  return EnginePipeline.fromSource(source, { device: 'wasm', textEncoder: false, ...options });
}

describe('embeddings of a prompt', () => {
  test('are those of the real tokens, and make the clip that the prompt makes', async () => {
    const prompt = await pipeline.encodePrompt(`  ${PROMPT} `);
    const negative = await pipeline.encodePrompt(NEGATIVE);
    expect(prompt.embeds).toHaveLength(prompt.tokens * prompt.textDim);
    expect(prompt.tokens).toBeGreaterThan(2);
    expect(prompt.notices).toEqual([]);
    const promptEmbeds = prompt.embeds;
    const negativePromptEmbeds = negative.embeds;
    const guided = await framesOf({ prompt: PROMPT, negativePrompt: NEGATIVE });
    expect(await framesOf({ promptEmbeds, negativePromptEmbeds })).toEqual(guided);
    expect(await framesOf({ promptEmbeds, negativePrompt: NEGATIVE })).toEqual(guided);
    expect(await framesOf({ prompt: PROMPT, negativePromptEmbeds })).toEqual(guided);
    expect(await framesOf({ promptEmbeds })).not.toEqual(guided);
  });

  test('may have their zeros with them, and are the caller’s own', async () => {
    const { embeds } = await pipeline.encodePrompt(PROMPT);
    const whole = await framesOf({ prompt: PROMPT });
    const padded = new Float32Array(pipeline.checkpoint.defaults.maxSequenceLength * textDim);
    padded.set(embeds);
    expect(await framesOf({ promptEmbeds: padded })).toEqual(whole);
    embeds.fill(0);
    expect(await framesOf({ prompt: PROMPT })).toEqual(whole);
  });

  test('are recorded as given', async () => {
    const { embeds } = await pipeline.encodePrompt(PROMPT);
    const { parameters } = await pipeline.generate({ ...CLIP, promptEmbeds: embeds });
    expect(parameters).toMatchObject({ prompt: '', promptEmbeds: 'given' });
    expect(parameters).not.toHaveProperty('negativePromptEmbeds');
  });

  test('of a long prompt are cut, and say so', async () => {
    const { tokens, notices } = await pipeline.encodePrompt(PROMPT, { maxSequenceLength: 3 });
    expect(tokens).toBe(3);
    expect(notices.map(({ code }) => code)).toEqual(['prompt-truncated']);
    await expect(pipeline.encodePrompt(PROMPT, { maxSequenceLength: 0 })).rejects.toMatchObject({
      message: expect.stringMatching(/^maxSequenceLength:/),
    });
  });

  test.each<[string, (textDim: number) => GenerateOptions]>([
    ['promptEmbeds', () => ({ promptEmbeds: new Float32Array() })],
    ['promptEmbeds', (dim) => ({ promptEmbeds: new Float32Array(2 * dim - 1) })],
    ['promptEmbeds', (dim) => ({ promptEmbeds: new Float32Array(4 * dim), maxSequenceLength: 3 })],
    ['promptEmbeds', (dim) => ({ promptEmbeds: new Float32Array(dim).fill(Number.NaN) })],
    ['promptEmbeds', (dim) => ({ promptEmbeds: new Float32Array(dim).fill(3e38) })],
    ['promptEmbeds', (dim) => ({ promptEmbeds: new Float32Array(dim), prompt: PROMPT })],
    ['negativePromptEmbeds', () => ({ prompt: PROMPT, negativePromptEmbeds: new Float32Array(1) })],
    [
      'negativePromptEmbeds',
      (dim) => ({
        prompt: PROMPT,
        negativePrompt: NEGATIVE,
        negativePromptEmbeds: new Float32Array(dim),
      }),
    ],
    ['prompt', () => ({})],
  ])('are refused for %s, case %#', async (name, options) => {
    await expect(framesOf({ ...options(textDim), onProgress: notCalled })).rejects.toMatchObject({
      code: 'invalid-argument',
      message: expect.stringMatching(new RegExp(`^${name}:`)),
    });
  });
});

test('stored embeddings that are not finite are not used', async () => {
  const values = new Map<string, Uint8Array<ArrayBuffer>>();
  const cache = new ValueCache({
    readValue: (name) => Promise.resolve(values.get(name)),
    writeValue: (name, bytes) => Promise.resolve(void values.set(name, bytes)),
    deleteValue: (name) => Promise.resolve(void values.delete(name)),
  });
  const identity = { weights: 'x', precision: { linear: 'float32' }, device: 'wasm' } as const;
  const visit = (): EmbeddingCache => new EmbeddingCache({ cache, identity });
  await visit().put([1, 2], Float32Array.of(1, 2, 3, 4));
  expect(await visit().get([1, 2])).toEqual(Float32Array.of(1, 2, 3, 4));
  for (const bad of [Number.NaN, Number.NEGATIVE_INFINITY, 3e38]) {
    await visit().put([1, 2], Float32Array.of(1, 2, bad, 4));
    expect(await visit().get([1, 2])).toBeUndefined();
  }
});

describe('a model without its text encoder', () => {
  test('fetches less, and makes the same clips from embeddings', async () => {
    let fetched = 0;
    const onProgress = (progress: { loadedBytes?: number }): void => {
      fetched = Math.max(fetched, progress.loadedBytes ?? 0);
    };
    const other = await withoutEncoder({ onProgress });
    const { components } = other.checkpoint;
    const encoder = components.find(({ name }) => name === 'text_encoder')?.bytes ?? Number.NaN;
    expect(fetched).toBe(other.checkpoint.downloadBytes - encoder);
    const { embeds } = await pipeline.encodePrompt(PROMPT);
    const options = { promptEmbeds: embeds, guidanceScale: 1 };
    expect(await framesOf(options, other)).toEqual(await framesOf(options));
    await other.dispose();
  });

  test('says what it wants in the place of prompts', async () => {
    const other = await withoutEncoder();
    const promptEmbeds = new Float32Array(textDim);
    for (const [name, run] of [
      ['promptEmbeds', () => framesOf({ prompt: PROMPT }, other)],
      ['negativePromptEmbeds', () => framesOf({ promptEmbeds, guidanceScale: 4 }, other)],
      ['prompt', () => other.encodePrompt(PROMPT)],
    ] as const) {
      await expect(run()).rejects.toMatchObject({
        code: 'invalid-argument',
        message: expect.stringMatching(new RegExp(`^${name}: the model was loaded without`)),
      });
    }
    await other.dispose();
  });
});

test('embeddings cross the boundary of the worker, both ways', async () => {
  installTransferHandlers();
  const { port1, port2 } = new MessageChannel();
  expose(new HostPipeline(pipeline), port1);
  const remote = wrap<HostPipeline>(port2);
  const { signal } = new AbortController();
  const own = await pipeline.encodePrompt(PROMPT);
  const { embeds, ...rest } = await remote.encodePrompt(PROMPT, {}, signal);
  expect(embeds).toEqual(own.embeds);
  expect(rest).toMatchObject({ tokens: own.tokens, textDim, notices: [] });
  const ignore = { progress: nothing, frames: nothing, stepEnd: nothing, preview: nothing };
  const result = await remote.generate(
    { ...CLIP, promptEmbeds: embeds, preview: false },
    proxy(ignore),
    signal,
  );
  expect(await result.frames()).toEqual(await framesOf({ prompt: PROMPT }));
  // Neither the caller's nor the cache's was taken away.
  expect(embeds.byteLength).toBeGreaterThan(0);
  expect(await pipeline.encodePrompt(PROMPT)).toEqual(own);
  remote[releaseProxy]();
  port1.close();
  port2.close();
});
