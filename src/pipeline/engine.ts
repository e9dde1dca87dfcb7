/**
 * @file The pipeline where the work is done: inside the worker, or directly in Node. The page's `VideoPipeline` has the
 * same interface and passes everything on to this one.
 */
import { isAbortError, ZoetropeError } from '../errors.ts';
import type { ModelCheckpoint } from '../families/family.ts';
import { openCheckpoint } from '../families/open-checkpoint.ts';
import { withFastDecoder } from '../families/taehv/open.ts';
import type { Backend } from '../runtime/backend.ts';
import type { DeviceChoice } from '../runtime/device.ts';
import { openBackend } from '../runtime/open-backend.ts';
import { isBroken } from '../runtime/ort.ts';
import { RamTier } from '../weights/ram-tier.ts';
import type { FileSource, ReadOptions } from '../weights/source.ts';
import type {
  CheckpointReport,
  DeviceReport,
  EncodePromptOptions,
  GenerateOptions,
  GenerationParameters,
  LoadOptions,
  MemoryReading,
  ModelParts,
  Notice,
  PromptEmbeddings,
  VideoPipelineInterface,
} from './api.ts';
import { checkClip } from './checks/check-clip.ts';
import { deviceNotices } from './device-notices.ts';
import { disposedPipeline } from './disposed.ts';
import { EmbeddingCache } from './embedding-cache.ts';
import { encodePrompt } from './encode-prompt.ts';
import { EngineResult } from './engine-result.ts';
import { type FetchOptions, fetchWeights, type PartWeights, weightsOf } from './fetch-weights.ts';
import { FrameStore } from './frame-store.ts';
import { notePromptNotKept } from './full-storage.ts';
import { runGeneration, type RunHooks } from './generate.ts';
import { resolveClip, settleMemory } from './memory-plan.ts';
import {
  checkDtype,
  computePrecisions,
  type MemorySettings,
  storagePrecisions,
} from './memory-settings.ts';
import { checkEmbeddings } from './given-embeddings.ts';
import { readMemory } from './memory-reading.ts';
import { modelName } from './model-name.ts';
import type { OpenedParts } from './open-parts.ts';
import { orAborted } from './or-aborted.ts';
import { planRun } from './plan.ts';
import type { EncoderContext } from './prompt-encoder.ts';
import { resolveRequest } from './request.ts';

export interface EngineOptions
  extends Omit<LoadOptions, keyof ModelParts>, FetchOptions, OpenedParts {
  /** Stands in for `navigator.gpu`. */
  gpu?: GPU;
  /** On wasm, bytes of scores that attention may hold at once; for tests. */
  scoreBytes?: number;
  /** Stands in for the runtime's own: tests watch backends, and break them. */
  openBackend?: typeof openBackend;
}

/** A checkpoint and what it is put together with. */
export async function openModel(
  source: FileSource,
  { fastDecoder, ...options }: ReadOptions & OpenedParts,
): Promise<ModelCheckpoint> {
  const checkpoint = await openCheckpoint(source, options);
  return fastDecoder ? withFastDecoder(checkpoint, fastDecoder, options) : checkpoint;
}

function partsOf({ fastDecoder, components, loras }: OpenedParts): OpenedParts {
  return {
    fastDecoder,
    ...(components ? { components } : {}),
    ...(loras ? { loras } : {}),
  };
}

/** What a checkpoint is, from its JSON files and headers alone. */
export function describeCheckpoint(
  source: FileSource,
  checkpoint: ModelCheckpoint,
): CheckpointReport {
  return {
    source: source.name,
    pipelineClass: checkpoint.pipelineClass,
    scheduler: checkpoint.schedulerName,
    downloadBytes: checkpoint.components.reduce((sum, { bytes }) => sum + bytes, 0),
    components: checkpoint.components,
    defaults: checkpoint.defaults,
    constraints: checkpoint.constraints,
    loras: checkpoint.loras,
    notices: checkpoint.notices,
    previews: checkpoint.fastDecoder ? 'decoded' : checkpoint.latentColours ? 'linear' : 'none',
    ...(checkpoint.prompts ? { prompts: checkpoint.prompts } : {}),
  };
}

/** What stays as it was loaded. */
interface PipelineParts {
  readonly source: FileSource;
  readonly model: ModelCheckpoint;
  readonly weights: PartWeights;
  readonly memory: MemorySettings;
  readonly embeddings: EmbeddingCache;
  /** About stored weights; more may come with every run. */
  readonly storageNotices: readonly Notice[];
}

export class EnginePipeline implements VideoPipelineInterface {
  readonly checkpoint: CheckpointReport;
  readonly #ownNotices: readonly Notice[];
  readonly #storageNotices: readonly Notice[];
  readonly #model: ModelCheckpoint;
  readonly #weights: PartWeights;
  readonly #memory: MemorySettings;
  readonly #loadSeconds: number;
  readonly #embeddings: EmbeddingCache;
  readonly #reopen: () => Promise<Backend>;
  readonly #disposal = new AbortController();
  #backend: Backend;
  /** The run that is going on. */
  #run: Promise<unknown> | undefined;
  #disposed: Promise<void> | undefined;

  static async fromSource(
    source: FileSource,
    options: EngineOptions = {},
  ): Promise<EnginePipeline> {
    const started = performance.now();
    const { signal } = options;
    let limitBytes = Number.POSITIVE_INFINITY;
    const open = async (choice: DeviceChoice): Promise<Backend> => {
      const opened = await (options.openBackend ?? openBackend)(choice, options);
      opened.ledger.limit(limitBytes);
      return opened;
    };
    const backend = await open(options.device ?? 'auto');
    // What is loaded is for this kind of device: another one must not take its place unasked.
    const reopen = (): Promise<Backend> => open(backend.report.device);
    try {
      checkDtype(options, backend.report);
      const model = await openModel(source, {
        ...(signal ? { signal } : {}),
        ...partsOf(options),
      });
      const memory = settleMemory(model, backend.report, options);
      limitBytes = memory.budgetBytes;
      backend.ledger.limit(limitBytes);
      if (options.clip) {
        checkClip(model, options.clip, options);
        const parameters = resolveClip(model, backend.report, memory, options.clip);
        planRun(model, parameters, { ...memory, precision: computePrecisions(memory) });
      }
      const kept = storagePrecisions(memory.weights);
      const {
        weights: fetched,
        cache,
        notices: storageNotices,
      } = await fetchWeights(model, backend, kept, options);
      const tier = new RamTier(memory.ramBytes);
      const weights = {
        text_encoder: tier.hold(fetched.text_encoder),
        transformer: tier.hold(fetched.transformer),
        vae: tier.hold(fetched.vae),
        ...(fetched.fast_decoder ? { fast_decoder: tier.hold(fetched.fast_decoder) } : {}),
      };
      const seconds = (performance.now() - started) / 1000;
      const embeddings = new EmbeddingCache(
        cache && fetched.text_encoder.identity !== undefined
          ? {
              cache,
              identity: {
                weights: fetched.text_encoder.identity,
                precision: computePrecisions(memory).text_encoder,
                device: backend.report.device,
              },
              onFull: () => notePromptNotKept(storageNotices),
            }
          : undefined,
      );
      const parts = { source, model, weights, memory, embeddings, storageNotices };
      return new EnginePipeline(parts, backend, reopen, seconds);
    } catch (error) {
      await backend.dispose().catch(ignore);
      throw error;
    }
  }

  private constructor(
    { source, model, weights, memory, embeddings, storageNotices }: PipelineParts,
    backend: Backend,
    reopen: () => Promise<Backend>,
    loadSeconds: number,
  ) {
    this.checkpoint = describeCheckpoint(source, model);
    this.#ownNotices = [...deviceNotices(backend.report), ...model.notices];
    this.#storageNotices = storageNotices;
    this.#backend = backend;
    this.#reopen = reopen;
    this.#model = model;
    this.#weights = weights;
    this.#memory = memory;
    this.#embeddings = embeddings;
    this.#loadSeconds = loadSeconds;
  }

  get notices(): readonly Notice[] {
    return [...this.#ownNotices, ...this.#storageNotices];
  }

  get device(): DeviceReport {
    return this.#backend.report;
  }

  get isLost(): boolean {
    return isBroken(this.#backend.report.device);
  }

  async generate(
    options: GenerateOptions,
    onLatents?: RunHooks['onLatents'],
  ): Promise<EngineResult> {
    this.#checkIdle();
    options.signal?.throwIfAborted();
    const parameters = resolveRequest(options, {
      model: modelName(this.checkpoint.source),
      scheduler: this.#model.schedulerName,
      device: this.device.device,
      dtype: this.#memory.dtype,
      defaults: this.#model.defaults,
      constraints: this.#model.constraints,
    });
    checkEmbeddings(options, parameters, this.#model.textDim, this.#memory.textEncoder !== false);
    return this.#running(options.signal, (signal) =>
      this.#generate(parameters, { ...options, signal }, onLatents),
    );
  }

  async #generate(
    parameters: GenerationParameters,
    options: GenerateOptions & { readonly signal: AbortSignal },
    onLatents: RunHooks['onLatents'],
  ): Promise<EngineResult> {
    const { signal, onFrames, onPreview } = options;
    const frames = new FrameStore(parameters, {
      ...options,
      ...(onFrames ? { onFrames: (group) => orAborted(onFrames(group), signal) } : {}),
    });
    try {
      await frames.open();
      const report = await runGeneration(
        this.#context,
        parameters,
        {
          onProgress: options.onProgress ?? ignore,
          onStepEnd: options.onStepEnd ?? ignore,
          ...(onPreview ? { onPreview: (group) => orAborted(onPreview(group), signal) } : {}),
          frames,
          signal,
          ...(onLatents ? { onLatents } : {}),
        },
        options,
      );
      const encoded = await frames.finish();
      return new EngineResult(
        parameters,
        [...this.notices, ...report.notices, ...frames.notices],
        { load: this.#loadSeconds, ...report.seconds },
        frames,
        encoded,
        () => this.#readMemory(),
      );
    } catch (error) {
      await frames.dispose();
      throw error;
    }
  }

  async encodePrompt(
    prompt: string,
    { maxSequenceLength, signal }: EncodePromptOptions = {},
  ): Promise<PromptEmbeddings> {
    this.#checkIdle();
    signal?.throwIfAborted();
    return this.#running(signal, (either) =>
      encodePrompt(this.#context, prompt, maxSequenceLength, either),
    );
  }

  /** One run at a time, on a backend that works, until it ends or the pipeline is disposed of. */
  #running<T>(
    signal: AbortSignal | undefined,
    run: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const disposal = this.#disposal.signal;
    const running = (async () => {
      try {
        await this.#ensureBackend();
        this.#backend.ledger.resetPeak();
        return await run(signal ? AbortSignal.any([signal, disposal]) : disposal);
      } catch (error) {
        await this.#clean(error);
        throw error;
      } finally {
        this.#run = undefined;
      }
    })();
    this.#run = running;
    return running;
  }

  get #context(): EncoderContext {
    return {
      backend: this.#backend,
      checkpoint: this.#model,
      weights: this.#weights,
      memory: this.#memory,
      embeddings: this.#embeddings,
    };
  }

  /** Opens another backend where the present one has failed: in the run before, or since. */
  async #ensureBackend(): Promise<void> {
    if (!this.#backend.failure) return;
    await this.#backend.dispose().catch(ignore);
    const opened = await this.#reopen();
    try {
      checkSameDevice(this.#backend.report, opened.report);
    } catch (error) {
      await opened.dispose();
      throw error;
    }
    this.#backend = opened;
  }

  /** After a failure, other than a cancel, nothing that was compiled is trusted, and nothing of a failed backend kept. */
  async #clean(error: unknown): Promise<void> {
    if (this.#backend.failure) await this.#backend.dispose().catch(ignore);
    else if (!isAbortError(error)) await this.#backend.trim({ sessions: true }).catch(ignore);
  }

  memory(): Promise<MemoryReading> {
    return Promise.resolve(this.#readMemory());
  }

  #readMemory(): MemoryReading {
    return readMemory(this.#backend, weightsOf(this.#weights));
  }

  dispose(): Promise<void> {
    this.#disposed ??= this.#dispose();
    return this.#disposed;
  }

  async #dispose(): Promise<void> {
    this.#disposal.abort(new DOMException('The pipeline was disposed of.', 'AbortError'));
    await this.#run?.catch(ignore);
    await this.#backend.dispose();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  #checkIdle(): void {
    if (this.#disposed) throw disposedPipeline();
    if (this.#run) {
      throw new ZoetropeError(
        'invalid-argument',
        'This pipeline is already generating.',
        'Wait for it to finish, or abort it first.',
      );
    }
  }
}

/** Weights and plans were made for what the device could do. */
function checkSameDevice(before: DeviceReport, after: DeviceReport): void {
  const canStill =
    after.device === before.device &&
    after.hasShaderF16 >= before.hasShaderF16 &&
    after.maxBufferSize >= before.maxBufferSize &&
    after.maxStorageBufferBindingSize >= before.maxStorageBufferBindingSize;
  if (canStill) return;
  throw new ZoetropeError(
    'device-lost',
    `The GPU was lost, and the one that is here now can do less: ${after.adapter}.`,
    'Load the model again, for this GPU.',
  );
}

function ignore(): void {}
