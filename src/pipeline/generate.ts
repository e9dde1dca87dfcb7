/** @file A run, readable from top to bottom: prompt → embeddings → latents → frames. */
import { decodeFlops } from '../decode/cost.ts';
import { decode } from '../decode/decode.ts';
import type { DecoderPlan } from '../decode/decoder-plan.ts';
import type {
  ComponentName,
  LatentDecoder,
  LatentShape,
  ModelCheckpoint,
} from '../families/family.ts';
import { cleanPrompt } from '../families/text/prompt.ts';
import type { Backend, TensorKind } from '../runtime/backend.ts';
import { StageRunner } from '../runtime/stage-runner.ts';
import { createScheduler } from '../schedulers/create-scheduler.ts';
import type { Scheduler, SchedulerName } from '../schedulers/scheduler.ts';
import type {
  GenerateOptions,
  GenerationParameters,
  Notice,
  PhaseSeconds,
  Progress,
} from './api.ts';
import { Clock } from './clock.ts';
import { toFrameGroup } from './frames.ts';
import { applyGuidance } from './guidance.ts';
import { readMemory } from './memory-reading.ts';
import { TorchGenerator } from './noise.ts';
import {
  type ComponentPrecisions,
  computePrecisions,
  type MemorySettings,
} from './memory-settings.ts';
import { type PartWeights, weightsOf } from './fetch-weights.ts';
import { planRun, requireFastDecoder, type RunPlan } from './plan.ts';
import { decodedPictures, linearPictures, Previews } from './preview.ts';
import { FrameStore } from './frame-store.ts';

export interface RunContext {
  readonly backend: Backend;
  readonly checkpoint: ModelCheckpoint;
  readonly weights: PartWeights;
  readonly memory: MemorySettings;
  /** Prompt embeddings of earlier runs. */
  readonly embeddings: Map<string, Float32Array<ArrayBuffer>>;
}

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

/** Prompt embeddings that are kept: a prompt and a negative prompt for a handful of runs. */
const KEPT_EMBEDDINGS = 16;

export async function runGeneration(
  context: RunContext,
  parameters: GenerationParameters,
  hooks: RunHooks,
): Promise<RunReport> {
  const { checkpoint } = context;
  const latentShape = checkpoint.latentShape(parameters);
  // Made here too, so that a sampler that cannot be is told before anything is computed.
  makeScheduler(checkpoint, parameters);
  const isGuided = parameters.guidanceScale > 1;
  // All phases before the first runs: a decode that does not fit is told now, not after the denoising.
  const precision = computePrecisions(context.memory);
  const preview = hooks.onPreview !== undefined;
  const plan = planRun(checkpoint, parameters, { ...context.memory, precision, preview });
  const decoder = decoderOf(checkpoint, parameters).decoderPlan(latentShape, plan.tile);
  const stepFlops = plan.phases.transformer.flops * (isGuided ? 2 : 1);
  const flops = decodeFlops(decoder, latentShape.frames);
  const clock = new Clock(stepFlops * parameters.numInferenceSteps + flops);
  const run = new Run(context, parameters, hooks, plan, precision, clock);

  const started = performance.now();
  const texts = await run.encodePrompts(isGuided);
  const encoded = performance.now();
  const latents = await run.denoise(texts, latentShape, stepFlops);
  const denoised = performance.now();
  await run.decode(latents, latentShape, decoder, flops);
  const decoded = performance.now();
  return {
    notices: run.notices,
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

/** The checkpoint's sampler, or the one that the request names. */
function makeScheduler(checkpoint: ModelCheckpoint, parameters: GenerationParameters): Scheduler {
  const { scheduler: name, flowShift } = parameters;
  return createScheduler(checkpoint.schedulerConfig, parameters, {
    ...(name === checkpoint.schedulerName ? {} : { name: name as SchedulerName }),
    ...(flowShift === undefined ? {} : { flowShift }),
  });
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

  /** Embeddings `[maxSequenceLength, textDim]` of the prompt and, with guidance, of the negative prompt. */
  async encodePrompts(isGuided: boolean): Promise<Float32Array<ArrayBuffer>[]> {
    const { prompt, negativePrompt } = this.#parameters;
    const prompts = isGuided ? [prompt, cleanPrompt(negativePrompt)] : [prompt];
    const tokens = prompts.map((text) => this.#tokenize(text));
    this.#report({ type: 'encode-prompt', fraction: 0 });
    const embeddings = await this.#withRunner('text_encoder', 'activations', async (runner) => {
      const results: Float32Array<ArrayBuffer>[] = [];
      for (const ids of tokens) {
        // Each length has graphs of its own, and the plan has room for those of one.
        if (results.length > 0) await this.#releaseSessions();
        results.push(await this.#encode(runner, ids));
      }
      return results;
    });
    this.#report({ type: 'encode-prompt', fraction: 1 });
    return embeddings;
  }

  #tokenize(text: string): readonly number[] {
    const { maxSequenceLength } = this.#parameters;
    const { ids, truncatedTokens } = this.#context.checkpoint.tokenizer.encodePrompt(
      text,
      maxSequenceLength,
    );
    if (truncatedTokens > 0) {
      this.notices.push({
        code: 'prompt-truncated',
        message: `The prompt is too long: its last ${truncatedTokens} tokens were cut to fit ${maxSequenceLength}.`,
      });
    }
    return ids;
  }

  async #encode(runner: StageRunner, ids: readonly number[]): Promise<Float32Array<ArrayBuffer>> {
    const { checkpoint, weights, embeddings } = this.#context;
    const { maxSequenceLength } = this.#parameters;
    const key = `${maxSequenceLength}:${ids.join()}`;
    const known = embeddings.get(key);
    if (known) return known;
    const made = await checkpoint.encodeText(
      runner,
      weights.text_encoder,
      ids,
      maxSequenceLength,
      this.#precision.text_encoder,
    );
    embeddings.set(key, made);
    for (const oldest of [...embeddings.keys()].slice(0, -KEPT_EMBEDDINGS))
      embeddings.delete(oldest);
    return made;
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
    const results = texts.map(() => new Float32Array(latents.length));
    const [velocity, unconditional] = results;
    if (!velocity) throw new Error('no prompt');

    return this.#withRunner('transformer', 'activations', async (runner) => {
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
        previews?.startStep();
        for (let from = 0; from < conditionings.length; from += batch) {
          const pass = <T>(all: readonly T[]): readonly T[] => all.slice(from, from + batch);
          await denoiser.forward(latents, timestep, pass(conditionings), pass(results));
        }
        if (unconditional) applyGuidance(velocity, unconditional, guidanceScale);
        previews?.note(latents, velocity, scheduler.sigmas[step] ?? 0);
        scheduler.step(velocity, step, latents, generator);
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

  /** From latents to pictures, each group handed on as it is made. */
  async decode(
    latents: Float32Array,
    latentShape: LatentShape,
    plan: DecoderPlan,
    flops: number,
  ): Promise<void> {
    const { numFrames } = this.#parameters;
    const decoder = decoderOf(this.#context.checkpoint, this.#parameters);
    await this.#withRunner('vae', 'decode', async (runner) => {
      const stages = [...plan.first, ...(latentShape.frames > 1 ? plan.rest : [])];
      await runner.load(stages, (done) =>
        this.#report({ type: 'compile', stage: 'vae', fraction: done / stages.length }),
      );
      let frame = 0;
      this.#report({ type: 'decode', fraction: 0, frame, totalFrames: numFrames });
      this.#clock.start();
      const inputs = function* (): Generator<Float32Array<ArrayBuffer>> {
        for (let i = 0; i < latentShape.frames; i++) {
          yield decoder.decoderInput(latents, latentShape, i);
        }
      };
      for await (const pictures of decode(plan, inputs(), runner)) {
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

  /** A runner for one phase: whatever happens in it, its memory is given back. */
  async #withRunner<T>(
    component: ComponentName,
    kind: TensorKind,
    phase: (runner: StageRunner) => Promise<T>,
  ): Promise<T> {
    const { backend, weights } = this.#context;
    const { signal } = this.#hooks;
    const { streaming } = this.#plan.phases[component];
    const isFast = component === 'vae' && this.#parameters.decode === 'fast';
    const source = isFast ? weights.fast_decoder : weights[component];
    if (!source) throw new Error('the fast decoder has no weights');
    const runner = new StageRunner(backend, source, { kind, signal, streaming });
    try {
      return await phase(runner);
    } finally {
      await runner.dispose();
      await this.#previewRunner?.dispose();
      this.#previewRunner = undefined;
      await this.#releaseSessions();
    }
  }

  /** Compiled sessions hold on to their intermediates, which under a budget were promised to whatever comes next. */
  async #releaseSessions(): Promise<void> {
    const { backend, memory } = this.#context;
    if (Number.isFinite(memory.budgetBytes)) await backend.trim({ sessions: true });
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
