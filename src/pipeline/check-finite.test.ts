import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Denoiser, ModelCheckpoint } from '../families/family.ts';
import type { WeightInput } from '../graph/types.ts';
import type { Backend } from '../runtime/backend.ts';
import { openBackend } from '../runtime/open-backend.ts';
import { repositoryFolder } from '../testing/fixtures.ts';
import type { ComponentWeights } from '../weights/component-weights.ts';
import type { FrameGroup, GenerateOptions } from './api.ts';
import { checkMade } from './check-finite.ts';
import { EmbeddingCache } from './embedding-cache.ts';
import { openModel } from './engine.ts';
import { fetchWeights, type PartWeights } from './fetch-weights.ts';
import { FrameStore } from './frame-store.ts';
import { type RunContext, type RunReport, runGeneration } from './generate.ts';
import { settleMemory } from './memory-plan.ts';
import { storagePrecisions } from './memory-settings.ts';
import { resolveRequest } from './request.ts';

const REQUEST: GenerateOptions = {
  prompt: 'a red circle moves right',
  negativePrompt: 'a blue square',
  seed: 7,
  width: 16,
  height: 16,
  numFrames: 5,
  numInferenceSteps: 3,
  guidanceScale: 4,
};

let backend: Backend;
let context: RunContext;

beforeAll(async () => {
  backend = await openBackend('wasm');
  const fastDecoder = {
    source: await repositoryFolder('models/parity/fixtures/taehv-21'),
    path: 'taew2_1.safetensors',
  };
  const checkpoint = await openModel(await repositoryFolder('models/pocket'), { fastDecoder });
  const memory = settleMemory(checkpoint, backend.report, {});
  const kept = storagePrecisions(memory.weights);
  const { weights } = await fetchWeights(checkpoint, backend, kept, {});
  context = { backend, checkpoint, weights, memory, embeddings: new EmbeddingCache() };
});

afterAll(() => backend.dispose());

interface Made {
  readonly report: RunReport;
  readonly frames: readonly FrameGroup[];
  readonly previews: readonly FrameGroup[];
}

async function run(
  changes: Partial<RunContext> = {},
  options: Partial<GenerateOptions> = {},
  wantsPreviews = false,
): Promise<Made> {
  // No text that an earlier run encoded.
  const used = { ...context, embeddings: new EmbeddingCache(), ...changes };
  const { checkpoint } = used;
  const request = { ...REQUEST, ...options };
  const parameters = resolveRequest(request, {
    model: 'pocket',
    scheduler: checkpoint.schedulerName,
    device: 'wasm',
    dtype: 'float32',
    defaults: checkpoint.defaults,
    constraints: checkpoint.constraints,
  });
  const frames = new FrameStore(parameters, {});
  await frames.open();
  const previews: FrameGroup[] = [];
  const report = await runGeneration(used, parameters, {
    frames,
    onProgress: () => undefined,
    onStepEnd: () => undefined,
    ...(wantsPreviews ? { onPreview: (group) => void previews.push(group) } : {}),
  });
  return { report, frames: [...frames.groups], previews };
}

/** The weights of a run, with one value of one tensor changed after everything was imported. */
function changed(part: keyof PartWeights, tensor: string, value: number): Partial<RunContext> {
  const weights = context.weights[part] ?? expect.unreachable();
  const damaged: ComponentWeights = {
    ramBytes: 0,
    async get(prefix: string, weight: WeightInput) {
      const data = (await weights.get(prefix, weight)).slice();
      if (prefix + weight.source === tensor) data[0] = value;
      return data;
    },
    row: (...given) => weights.row(...given),
  };
  return { weights: { ...context.weights, [part]: damaged } };
}

/** The checkpoint with what its transformer answers changed. */
function answering(
  change: (results: readonly Float32Array[], step: number) => void,
): Partial<RunContext> {
  let step = 0;
  const { checkpoint } = context;
  const wrapped = (denoiser: Denoiser): Denoiser => ({
    ...denoiser,
    async forward(latents, timestep, conditionings, results) {
      await denoiser.forward(latents, timestep, conditionings, results);
      change(results, step++);
    },
  });
  return {
    checkpoint: { ...checkpoint, denoiser: (...given) => wrapped(checkpoint.denoiser(...given)) },
  };
}

async function expectStop(running: Promise<unknown>, message: RegExp, hint = ''): Promise<void> {
  await expect(running).rejects.toMatchObject({
    name: 'ZoetropeError',
    code: 'non-finite',
    message: expect.stringMatching(message),
    hint: expect.stringContaining(hint),
  });
  // Whatever fails, nothing stays on the device.
  expect(backend.ledger.read().liveBytes).toBe(0);
}

const FFN = 'blocks.0.ffn.net.2.bias';

describe('a run stops with the part that fails', () => {
  test.each([Number.NaN, Number.POSITIVE_INFINITY, 3e38])(
    'the text encoder, if a weight turns into %d',
    async (value) => {
      const embeddings = new EmbeddingCache();
      const bad = changed('text_encoder', 'encoder.block.0.layer.0.layer_norm.weight', value);
      await expectStop(
        run({ ...bad, embeddings }),
        /^The text encoder made values that are not finite for the prompt \(/,
        'A weight may be damaged',
      );
      // What failed was not kept: the same prompt is encoded again.
      await run({ embeddings }, { numInferenceSteps: 1 });
    },
  );

  // A single 3e38 is refused where weights are imported: the norms after it would make finite zeros of it.
  test.each([Number.NaN, Number.NEGATIVE_INFINITY])(
    'the transformer at its first step, if a weight turns into %d',
    async (value) => {
      await expectStop(
        run(changed('transformer', FFN, value)),
        /^The transformer made values that are not finite at step 1 of 3 \(/,
      );
    },
  );

  test('the transformer at a later step, before the sampler spreads it', async () => {
    const steps: number[] = [];
    const bad = answering(([velocity], step) => {
      steps.push(step);
      if (step === 1) velocity?.fill(Number.NaN, 5, 8);
    });
    await expectStop(run(bad), /^The transformer .* at step 2 of 3 \(3 NaN of \d+\)/);
    expect(steps).toEqual([0, 1]);
  });

  test('the transformer with the negative prompt alone, in either order of guidance', async () => {
    for (const guidance of ['batched', 'sequential'] as const) {
      const bad = answering((results, pass) => {
        const result = guidance === 'batched' ? results[1] : pass === 1 ? results[0] : undefined;
        result?.fill(Number.POSITIVE_INFINITY, 0, 1);
      });
      await expectStop(
        run({ ...bad, memory: { ...context.memory, guidance } }),
        /^The transformer .* at step 1 of 3, negative prompt, \(1 infinite/,
      );
    }
  });

  test.each([
    { name: 'NaN in its first layer', tensor: 'post_quant_conv.bias', value: Number.NaN },
    { name: 'infinity in its last', tensor: 'decoder.conv_out.bias', value: 3e38 },
    { name: 'NaN in its last', tensor: 'decoder.conv_out.weight', value: Number.NaN },
  ])('the decoder in a frame: $name', async ({ tensor, value }) => {
    const bad = changed('vae', tensor, value);
    await expectStop(run(bad), /^The decoder made values that are not finite in frame 1 of 5 \(/);
    await expectStop(
      run({ ...bad, memory: { ...context.memory, tile: 8 } }),
      /^The decoder made values that are not finite in frame 1 of 5 \(/,
    );
  });

  test.each([
    { name: 'NaN in its first layer', tensor: 'decoder.1.bias', value: Number.NaN },
    { name: 'a weight that overflows', tensor: 'decoder.22.bias', value: 3e38 },
  ])('the fast decoder in a frame: $name', async ({ tensor, value }) => {
    await expectStop(
      run(changed('fast_decoder', tensor, value), { decode: 'fast' }),
      /^The fast decoder made values that are not finite in frame 1 of 5 \(/,
    );
  });

  test('the scaling of latents for the decoder', async () => {
    const checkpoint: ModelCheckpoint = {
      ...context.checkpoint,
      decoderInput: (latents, shape, frame) =>
        context.checkpoint
          .decoderInput(latents, shape, frame)
          .map((x) => (frame === 1 ? x / 0 : x)),
    };
    await expectStop(
      run({ checkpoint }),
      /^Scaling latents for the decoder made .* in latent frame 2 \(/,
      'latents_std',
    );
  });
});

describe('a run stops with the option that is to blame', () => {
  test('guidance that makes finite values too large', async () => {
    const bad = answering(([velocity, unconditional]) => {
      velocity?.fill(1e12);
      unconditional?.fill(-1e12);
    });
    await expectStop(run(bad), /^Guidance made .* at step 1 of 3 \(/, 'guidanceScale');
  });

  test('a sampler that makes finite values too large', async () => {
    // Just below what counts as too large; UniPC extrapolates it.
    const bad = answering(([velocity], step) => velocity?.fill(step > 1 ? -1.09e12 : 1.09e12));
    const config = context.checkpoint.schedulerConfig as object;
    const schedulerConfig = { ...config, solver_order: 2, disable_corrector: [] };
    const checkpoint = { ...(bad.checkpoint ?? context.checkpoint), schedulerConfig };
    await expectStop(
      run({ checkpoint }, { guidanceScale: 1, numInferenceSteps: 4, flowShift: 20 }),
      /^UniPCMultistepScheduler made values that are not finite at step 4 of 4 \(/,
      'flowShift',
    );
  });
});

describe('what helps is said', () => {
  test('a smaller scale where a LoRA is merged', async () => {
    const loras = [{ source: 'x', scale: 50 }];
    const checkpoint = { ...context.checkpoint, loras };
    await expectStop(
      run({ ...changed('transformer', FFN, Number.NaN), checkpoint }),
      /transformer/,
      'Give the LoRA a smaller scale.',
    );
  });

  test('float32 where the part computes in float16, and more bits where it has four', () => {
    const { memory } = context;
    const weights = { ...memory.weights, transformer: 'q4' } as const;
    // Only the words: this backend has no float16.
    const check = (): void =>
      checkMade(Float32Array.of(Number.NaN), 'transformer', 'at step 1 of 2', {
        memory: { dtype: 'float16', weights },
        checkpoint: context.checkpoint,
      });
    expect(check).toThrow(
      expect.objectContaining({ hint: expect.stringMatching(/dtype 'float32'.*weights 'q8'/) }),
    );
  });
});

test('previews that are not finite are left out with one notice, and the clip is the same', async () => {
  const alone = await run();
  const good = await run({}, {}, true);
  expect(good.previews.length).toBeGreaterThan(0);
  expect(good.report.notices).toEqual([]);
  const bad = await run(changed('fast_decoder', 'decoder.1.bias', Number.NaN), {}, true);
  expect(bad.previews).toEqual([]);
  expect(bad.report.notices).toEqual([
    { code: 'no-preview', message: expect.stringContaining('not finite') },
  ]);
  expect(bad.frames).toEqual(alone.frames);
});
