/** @file A run, readable from top to bottom: prompt → embeddings → latents → frames. */
import { decodeFlops } from '../decode/cost.ts';
import { decode } from '../decode/decode.ts';
import type { DecoderPlan } from '../decode/decoder-plan.ts';
import { latentFrames } from '../decode/latent-frames.ts';
import type { LatentDecoder, LatentShape, ModelCheckpoint, PartName } from '../families/family.ts';
import type { TensorKind } from '../runtime/backend.ts';
import { StageRunner } from '../runtime/stage-runner.ts';
import type {
  GenerateOptions,
  GenerationParameters,
  Notice,
  PhaseSeconds,
  Progress,
} from './api.ts';
import { checkDecoderInput, checkMade, checkPictures, checkSampled } from './check-finite.ts';
import { Clock } from './clock.ts';
import { padEmbeddings } from './given-embeddings.ts';
import { runPhase } from './phase.ts';
import {
  type EncoderContext,
  encodeTexts,
  lookUpTexts,
  type GivenEmbeddings,
  type PromptText,
  textsOf,
} from './prompt-encoder.ts';
import { toFrameGroup } from './frames.ts';
import { applyGuidance } from './guidance.ts';
import { readMemory } from './memory-reading.ts';
import { TorchGenerator } from './noise.ts';
import { type ComponentPrecisions, computePrecisions } from './memory-settings.ts';
import { weightsOf } from './fetch-weights.ts';
import { planRun, requireFastDecoder, type RunPlan } from './plan.ts';
import { decodedPictures, linearPictures, Previews } from './preview.ts';
import { FrameStore } from './frame-store.ts';
import { makeScheduler } from './run-scheduler.ts';

export type RunContext = EncoderContext;

export interface RunHooks {
  readonly onProgress: (progress: Progress) => void;
  readonly onStepEnd: NonNullable<GenerateOptions['onStepEnd']>;
  readonly onPreview?: GenerateOptions['onPreview'];
  readonly frames: FrameStore;
  readonly signal?: AbortSignal | undefined;
  /** For tests: the latents after each step, and the noise as step −1. */
  readonly onLatents?: (step: number, latents: Float32Array) => void;
}

export interface RunReport {
  readonly notices: readonly Notice[];
  readonly seconds: Omit<PhaseSeconds, 'load'>;
}

export async function runGeneration(
  context: RunContext,
  parameters: GenerationParameters,
  hooks: RunHooks,
  given: GivenEmbeddings = {},
): Promise<RunReport> {
  const started = performance.now();
  const { checkpoint } = context;
  const latentShape = checkpoint.latentShape(parameters);
  // Made here too, so that a sampler that cannot be is told before anything is computed.
  makeScheduler(checkpoint, parameters);
  const isGuided = parameters.guidanceScale > 1;
  // All phases before the first runs: a decode that does not fit is told now, not after the denoising.
  const precision = computePrecisions(context.memory);
  const { texts, notices } = textsOf(checkpoint, parameters, given);
  const known = await lookUpTexts(context, texts);
  const isEncoded = known.every(({ embeds }) => embeds !== undefined);
  const plan = planRun(checkpoint, parameters, {
    ...context.memory,
    precision,
    preview: hooks.onPreview !== undefined,
    ...(isEncoded ? { textEncoder: false } : {}),
  });
  const decoder = decoderOf(checkpoint, parameters).decoderPlan(latentShape, plan.tile);
  const stepFlops = plan.phases.transformer.flops * (isGuided ? 2 : 1);
  const flops = decodeFlops(decoder, latentShape.frames);
  const clock = new Clock(stepFlops * parameters.numInferenceSteps + flops);
  const run = new Run(context, parameters, hooks, plan, precision, clock);

  const conditions = await run.encodePrompts(known);
  const encoded = performance.now();
  const latents = await run.denoise(conditions, latentShape, stepFlops);
  const denoised = performance.now();
  await run.decode(latents, latentShape, decoder, flops);
  const decoded = performance.now();
  return {
    notices: [...notices, ...run.notices],
    seconds: {
      encodePrompt: (encoded - started) / 1000,
      denoise: (denoised - encoded) / 1000,
      decode: (decoded - denoised) / 1000,
      total: (decoded - started) / 1000,
    },
  };
}

function scale(values: Float32Array, factor: number): void {
  for (let i = 0; i < values.length; i++) values[i] = (values[i] ?? 0) * factor;
}

/** The decoder that the request asks for. */
function decoderOf(
  checkpoint: ModelCheckpoint,
  { decode: choice }: GenerationParameters,
): LatentDecoder {
  return choice === 'fast' ? requireFastDecoder(checkpoint) : checkpoint;
}

class Run {
  readonly notices: Notice[] = [];
  readonly #context: RunContext;
  readonly #parameters: GenerationParameters;
  readonly #hooks: RunHooks;
  readonly #plan: RunPlan;
  readonly #precision: ComponentPrecisions;
  readonly #clock: Clock;
  /** Beside the denoising's own. */
  #previewRunner: StageRunner | undefined;

  constructor(
    context: RunContext,
    parameters: GenerationParameters,
    hooks: RunHooks,
    plan: RunPlan,
    precision: ComponentPrecisions,
    clock: Clock,
  ) {
    this.#context = context;
    this.#parameters = parameters;
    this.#hooks = hooks;
    this.#plan = plan;
    this.#precision = precision;
    this.#clock = clock;
  }

  /** Embeddings `[maxSequenceLength, textDim]`, zeros after the real tokens. */
  async encodePrompts(texts: readonly PromptText[]): Promise<Float32Array<ArrayBuffer>[]> {
    const { checkpoint } = this.#context;
    const { maxSequenceLength } = this.#parameters;
    this.#report({ type: 'encode-prompt', fraction: 0 });
    const embeddings = await encodeTexts(
      this.#context,
      texts,
      this.#precision.text_encoder,
      this.#plan.phases.text_encoder,
      this.#hooks.signal,
    );
    this.#report({ type: 'encode-prompt', fraction: 1 });
    return embeddings.map((each) => padEmbeddings(each, checkpoint.textDim, maxSequenceLength));
  }

  /** From noise to latents `[C, F, H, W]`. */
  async denoise(
    texts: readonly Float32Array<ArrayBuffer>[],
    latentShape: LatentShape,
    stepFlops: number,
  ): Promise<Float32Array> {
    const { checkpoint } = this.#context;
    const precision = this.#precision.transformer;
    const { numInferenceSteps, seed, guidanceScale, maxSequenceLength, initNoiseSigma } =
      this.#parameters;
    const { onLatents, onStepEnd, signal } = this.#hooks;
    const scheduler = makeScheduler(checkpoint, this.#parameters);
    const { channels, frames, height, width } = latentShape;
    const generator = new TorchGenerator(seed);
    const latents = new Float32Array(channels * frames * height * width);
    generator.draw(latents);
    if (initNoiseSigma !== undefined) scale(latents, initNoiseSigma);
    onLatents?.(-1, latents);
    checkSampled(latents, 'The initial noise has', 'before step 1', this.#parameters);
    const results = texts.map(() => new Float32Array(latents.length));
    const [velocity, unconditional] = results;
    if (!velocity) throw new Error('no prompt');

    return this.#phase('transformer', 'activations', async (runner) => {
      const shape = { latents: latentShape, textTokens: maxSequenceLength };
      const denoiser = checkpoint.denoiser(runner, shape, precision);
      const conditionings = await denoiser.condition(texts);
      await denoiser.load((done, total) =>
        this.#report({ type: 'compile', stage: 'transformer', fraction: done / total }),
      );
      const previews = await this.#openPreviews(latentShape, latents.length);
      // Conditionings that share a pass over the weights.
      const batch = this.#plan.guidance === 'sequential' ? 1 : conditionings.length;
      this.#report({ type: 'denoise', fraction: 0, step: 0, totalSteps: numInferenceSteps });
      this.#clock.start();
      for (const [step, timestep] of scheduler.timesteps.entries()) {
        const at = `at step ${step + 1} of ${numInferenceSteps}`;
        previews?.startStep();
        for (let from = 0; from < conditionings.length; from += batch) {
          const pass = <T>(all: readonly T[]): readonly T[] => all.slice(from, from + batch);
          await denoiser.forward(latents, timestep, pass(conditionings), pass(results));
        }
        // Before outputs are mixed: afterwards the cause could be the transformer or the sampler.
        checkMade(velocity, 'transformer', at, this.#context);
        if (unconditional) {
          checkMade(unconditional, 'transformer', `${at}, negative prompt,`, this.#context);
          applyGuidance(velocity, unconditional, guidanceScale);
          checkSampled(velocity, 'Guidance made', at, this.#parameters);
        }
        previews?.note(latents, velocity, scheduler.sigmas[step] ?? 0);
        scheduler.step(velocity, step, latents, generator);
        checkSampled(latents, `${scheduler.name} made`, at, this.#parameters);
        onLatents?.(step, latents);
        this.#clock.advance(stepFlops);
        onStepEnd({ step, timestep, totalSteps: numInferenceSteps });
        this.#report({
          type: 'denoise',
          fraction: (step + 1) / numInferenceSteps,
          step: step + 1,
          totalSteps: numInferenceSteps,
        });
        signal?.throwIfAborted();
        await previews?.endStep();
        if (previews?.hasFailed) this.#notePreviewFailed();
      }
      return latents;
    });
  }

  /** Everything that previews need, made before the loop; none where they are not wanted or cannot be. */
  async #openPreviews(shape: LatentShape, length: number): Promise<Previews | undefined> {
    const { checkpoint, weights, backend } = this.#context;
    const { onPreview, signal } = this.#hooks;
    if (!onPreview) return undefined;
    const { fastDecoder, latentColours } = checkpoint;
    const { preview } = this.#plan;
    if (fastDecoder && weights.fast_decoder && preview) {
      const { decoder } = preview;
      const runner = new StageRunner(backend, weights.fast_decoder, { kind: 'decode', signal });
      this.#previewRunner = runner;
      await runner.load([...decoder.first, ...decoder.rest]);
      return new Previews(decodedPictures(fastDecoder, decoder, shape, runner), onPreview, length);
    }
    if (latentColours) {
      return new Previews(linearPictures(latentColours, shape), onPreview, length);
    }
    if (fastDecoder) {
      const message = 'There is no preview: the fast decoder does not fit beside the denoising.';
      this.notices.push({ code: 'no-preview', message });
    }
    return undefined;
  }

  #notePreviewFailed(): void {
    const message =
      'Some previews were left out: the numbers of their pictures were not finite. The clip itself does not depend on them.';
    if (this.notices.some((notice) => notice.message === message)) return;
    this.notices.push({ code: 'no-preview', message });
  }

  /** From latents to pictures, each group handed on as it is made. */
  async decode(
    latents: Float32Array,
    latentShape: LatentShape,
    plan: DecoderPlan,
    flops: number,
  ): Promise<void> {
    const { numFrames } = this.#parameters;
    const decoder = decoderOf(this.#context.checkpoint, this.#parameters);
    const part = this.#partOf('vae');
    await this.#phase('vae', 'decode', async (runner) => {
      const stages = [...plan.first, ...(latentShape.frames > 1 ? plan.rest : [])];
      await runner.load(stages, (done) =>
        this.#report({ type: 'compile', stage: 'vae', fraction: done / stages.length }),
      );
      let frame = 0;
      this.#report({ type: 'decode', fraction: 0, frame, totalFrames: numFrames });
      this.#clock.start();
      const inputs = latentFrames(decoder, latents, latentShape, (input, index) =>
        checkDecoderInput(input, part, index),
      );
      for await (const pictures of decode(plan, inputs, runner)) {
        checkPictures(pictures, part, frame, numFrames, this.#context);
        const group = toFrameGroup(pictures, frame);
        frame += group.count;
        this.#clock.advance((flops * group.count) / numFrames);
        await this.#hooks.frames.add(group);
        this.#report({
          type: 'decode',
          fraction: frame / numFrames,
          frame,
          totalFrames: numFrames,
        });
      }
    });
  }

  #phase<T>(
    component: 'transformer' | 'vae',
    kind: TensorKind,
    phase: (runner: StageRunner) => Promise<T>,
  ): Promise<T> {
    const part = this.#partOf(component);
    const plan = this.#plan.phases[component];
    return runPhase(this.#context, part, kind, plan, this.#hooks.signal, async (runner) => {
      try {
        return await phase(runner);
      } finally {
        await this.#previewRunner?.dispose();
        this.#previewRunner = undefined;
      }
    });
  }

  #partOf(component: 'transformer' | 'vae'): PartName {
    const isFast = component === 'vae' && this.#parameters.decode === 'fast';
    return isFast ? 'fast_decoder' : component;
  }

  #report(progress: DistributiveOmit<Progress, 'memory' | 'etaSeconds'>): void {
    const { backend, weights } = this.#context;
    const { etaSeconds } = this.#clock;
    this.#hooks.onProgress({
      ...progress,
      memory: readMemory(backend, weightsOf(weights)),
      ...(etaSeconds === undefined ? {} : { etaSeconds }),
    });
  }
}

/** `Omit` over each member of a union. */
type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;
