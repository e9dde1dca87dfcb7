import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Denoiser, ModelCheckpoint } from '../families/family.ts';
import { openCheckpoint } from '../families/open-checkpoint.ts';
import type { Backend } from '../runtime/backend.ts';
import { openBackend } from '../runtime/open-backend.ts';
import { repositoryFolder } from '../testing/fixtures.ts';
import type { ComponentWeights } from '../weights/component-weights.ts';
import type { GenerateOptions } from './api.ts';
import { EmbeddingCache } from './embedding-cache.ts';
import { fetchWeights } from './fetch-weights.ts';
import { FrameStore } from './frame-store.ts';
import { type RunContext, runGeneration } from './generate.ts';
import { settleMemory } from './memory-plan.ts';
import { storagePrecisions } from './memory-settings.ts';
import { randn } from './noise.ts';
import { resolveRequest } from './request.ts';

const REQUEST: GenerateOptions = {
  prompt: 'a red circle moves right',
  seed: 7,
  width: 16,
  height: 16,
  numFrames: 1,
};

let backend: Backend;
let context: RunContext;

beforeAll(async () => {
  backend = await openBackend('wasm');
  const checkpoint = await openCheckpoint(await repositoryFolder('models/pocket'));
  const memory = settleMemory(checkpoint, backend.report, {});
  const { weights } = await fetchWeights(
    checkpoint,
    backend,
    storagePrecisions(memory.weights),
    {},
  );
  context = { backend, checkpoint, weights, memory, embeddings: new EmbeddingCache() };
});

afterAll(() => backend.dispose());

/** The checkpoint, noting the conditionings of every pass through its transformer. */
function countPasses(checkpoint: ModelCheckpoint, passes: number[]): ModelCheckpoint {
  const counted = (denoiser: Denoiser): Denoiser => ({
    ...denoiser,
    forward(latents, timestep, conditionings, results) {
      passes.push(conditionings.length);
      return denoiser.forward(latents, timestep, conditionings, results);
    },
  });
  return { ...checkpoint, denoiser: (...given) => counted(checkpoint.denoiser(...given)) };
}

function notCalled(): never {
  return expect.unreachable();
}

async function run(
  options: Partial<GenerateOptions>,
  used: RunContext = context,
): Promise<{ timesteps: number[]; noise: Float32Array }> {
  const { checkpoint } = used;
  const parameters = resolveRequest(
    { ...REQUEST, ...options },
    {
      model: 'pocket',
      scheduler: checkpoint.schedulerName,
      device: 'wasm',
      dtype: 'float32',
      defaults: checkpoint.defaults,
      constraints: checkpoint.constraints,
    },
  );
  const frames = new FrameStore(parameters, {});
  const timesteps: number[] = [];
  let noise = new Float32Array();
  await frames.open();
  await runGeneration(used, parameters, {
    frames,
    onProgress: () => undefined,
    onStepEnd: ({ timestep }) => void timesteps.push(timestep),
    onLatents: (step, latents) => {
      if (step === -1) noise = latents.slice();
    },
  });
  await frames.dispose();
  return { timesteps, noise };
}

test.each([
  ['at guidance 1 once', { guidanceScale: 1 }, {}, [1, 1]],
  ['below guidance 1 once', { guidanceScale: 0.5 }, {}, [1, 1]],
  ['with guidance once for both texts', { guidanceScale: 4 }, {}, [2, 2]],
  [
    'with sequential guidance twice',
    { guidanceScale: 4 },
    { guidance: 'sequential' },
    [1, 1, 1, 1],
  ],
] as const)('a step goes through the transformer %s', async (_, options, memory, expected) => {
  const passes: number[] = [];
  await run(
    { ...options, numInferenceSteps: 2 },
    {
      ...context,
      checkpoint: countPasses(context.checkpoint, passes),
      memory: { ...context.memory, ...memory },
    },
  );
  expect(passes).toEqual(expected);
});

test('with every text in the cache, not one weight of the text encoder is asked for', async () => {
  const asked: string[] = [];
  const { text_encoder } = context.weights;
  const counted: ComponentWeights = {
    ramBytes: 0,
    get(prefix, weight, use) {
      asked.push(weight.source);
      return text_encoder.get(prefix, weight, use);
    },
    row(name, index, columns) {
      asked.push(name);
      return text_encoder.row(name, index, columns);
    },
  };
  const used: RunContext = {
    ...context,
    embeddings: new EmbeddingCache(),
    weights: { ...context.weights, text_encoder: counted },
  };
  const options = { negativePrompt: 'a blue square', guidanceScale: 4, numInferenceSteps: 1 };
  await run(options, used);
  expect(asked.length).toBeGreaterThan(10);
  asked.length = 0;
  await run({ ...options, seed: 8 }, used);
  expect(asked).toEqual([]);
  await run({ ...options, negativePrompt: 'a green square' }, used);
  expect(asked.length).toBeGreaterThan(10);
});

test('the model is asked at the timesteps that were given, and at no others', async () => {
  const timesteps = [1000, 757, 522];
  const scheduler = 'FlowMatchLCMScheduler';
  expect(await run({ timesteps, scheduler, guidanceScale: 1 })).toMatchObject({ timesteps });
});

test('the initial noise is multiplied by what was asked for', async () => {
  const options = { numInferenceSteps: 1, guidanceScale: 1 };
  const { noise } = await run(options);
  expect(noise).toEqual(randn(noise.length, 7));
  const scaled = await run({ ...options, initNoiseSigma: 0.3 });
  expect(scaled.noise).toEqual(noise.map((x) => x * 0.3));
});

test.each([
  ['timesteps', { timesteps: [1000, 500] }],
  ['sigmas', { sigmas: [0.5, 1] }],
  ['numInferenceSteps', { sigmas: [1, 0.5], numInferenceSteps: 3 }],
  ['scheduler', { scheduler: 'DDIM' as 'FlowMatchLCMScheduler' }],
])('times that cannot be are refused before anything is computed: %s', async (name, options) => {
  const passes: number[] = [];
  const checkpoint = countPasses(context.checkpoint, passes);
  await expect(
    run(options, {
      ...context,
      embeddings: new EmbeddingCache(),
      checkpoint: { ...checkpoint, encodeText: notCalled },
    }),
  ).rejects.toMatchObject({
    code: 'invalid-argument',
    message: expect.stringMatching(new RegExp(`^${name}:`)),
  });
  expect(passes).toEqual([]);
});
