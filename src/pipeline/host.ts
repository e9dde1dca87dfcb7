/** @file The worker's side of the boundary: what the page may call, in values that can be cloned or proxied. */
import { proxy, type ProxyMarked, transfer } from 'comlink';
import { invalidArgument } from '../errors.ts';
import { findModel } from '../families/catalogue/entries.ts';
import type { ModelEntry } from '../families/catalogue/model-entry.ts';
import { plannedModel } from '../families/catalogue/planned-model.ts';
import type { ModelCheckpoint } from '../families/family.ts';
import { probeDevice } from '../runtime/device.ts';
import { isAnyBroken, wasmThreads } from '../runtime/ort.ts';
import { openBrowserStore } from '../store/indexeddb-backend.ts';
import { browserEstimate } from '../store/quota.ts';
import { openSource } from '../weights/open-source.ts';
import { shownAddress } from '../weights/shown-address.mjs';
import type {
  AssessOptions,
  CheckpointReport,
  DeviceChoice,
  DeviceReport,
  EncodedVideo,
  EncodeOptions,
  EncodePromptOptions,
  FrameGroup,
  GenerateOptions,
  GenerationParameters,
  InspectOptions,
  ListedPlanOptions,
  LoadOptions,
  MemoryPlan,
  MemoryReading,
  ModelReference,
  Notice,
  PhaseSeconds,
  PlanOptions,
  Progress,
  PromptEmbeddings,
  Verdict,
  VerifyOptions,
  VerifyProgress,
  VerifyReport,
} from './api.ts';
import { checkClip } from './checks/check-clip.ts';
import {
  checkAssessOptions,
  checkDeviceChoice,
  checkInspectOptions,
  checkListedPlanOptions,
  checkLoadOptions,
  checkPlanOptions,
  checkVerifyOptions,
} from './checks/load-rules.ts';
import {
  checkEncodeOptions,
  checkEncodePromptOptions,
  checkSizes,
} from './checks/request-rules.ts';
import { describeCheckpoint, EnginePipeline, openModel } from './engine.ts';
import type { EngineResult } from './engine-result.ts';
import { planMemory } from './memory-plan.ts';
import { holdLock } from './liveness.ts';
import { mapParts } from './model-parts.ts';
import { openParts } from './open-parts.ts';
import type { StoredModel } from './stored-model.ts';
import { assessModel } from './verdict.ts';
import { verifyModel } from './verify-model.ts';

/** Callbacks of a call, as one object that comlink proxies. */
export interface Listener {
  progress(progress: Progress): Promise<void>;
  frames(group: FrameGroup): Promise<void>;
  stepEnd(step: { step: number; timestep: number; totalSteps: number }): Promise<void>;
  preview(frames: FrameGroup): Promise<void>;
}

/** A request without what cannot be cloned. */
export type PlainGenerateOptions = Omit<
  GenerateOptions,
  'onProgress' | 'onFrames' | 'onStepEnd' | 'onPreview' | 'signal'
> & {
  /** Whether previews are wanted. */
  preview: boolean;
};
export type PlainLoadOptions = Omit<LoadOptions, 'onProgress' | 'signal' | 'pause'>;
export type PlainInspectOptions = Omit<InspectOptions, 'signal'>;
export type PlainPlanOptions = Omit<PlanOptions, 'signal'>;
export type PlainEncodeOptions = Omit<EncodeOptions, 'onProgress' | 'signal'>;

export type PlainVerifyOptions = Omit<VerifyOptions, 'onProgress' | 'signal'>;

export interface VerifyListener {
  progress(progress: VerifyProgress): Promise<void>;
}

export interface PipelineDescription {
  readonly device: DeviceReport;
  readonly checkpoint: CheckpointReport;
}

export interface ResultDescription {
  readonly parameters: GenerationParameters;
  readonly notices: readonly Notice[];
  readonly seconds: PhaseSeconds;
  readonly memory: MemoryReading;
  readonly encoded?: EncodedVideo;
}

/** Comlink proxies whole values only, so what describes a result is asked of it. */
export class HostResult {
  readonly #result: EngineResult;

  constructor(result: EngineResult) {
    this.#result = result;
  }

  describe(): ResultDescription {
    const { parameters, notices, seconds, memory, encoded } = this.#result;
    return { parameters, notices, seconds, memory, ...(encoded ? { encoded } : {}) };
  }

  frames(): Promise<readonly FrameGroup[]> {
    return this.#result.frames();
  }

  encode(
    options: PlainEncodeOptions,
    listener: Pick<Listener, 'progress'>,
    signal: AbortSignal,
  ): Promise<EncodedVideo> {
    const onProgress = (progress: Progress): void => void listener.progress(progress);
    checkEncodeOptions(options);
    return this.#result.encode({ ...options, onProgress, signal });
  }

  dispose(): Promise<void> {
    return this.#result.dispose();
  }
}

export class HostPipeline {
  readonly #pipeline: EnginePipeline;

  constructor(pipeline: EnginePipeline) {
    this.#pipeline = pipeline;
  }

  describe(): PipelineDescription {
    const { device, checkpoint } = this.#pipeline;
    return { device, checkpoint };
  }

  async generate(
    { preview, ...options }: PlainGenerateOptions,
    listener: Listener,
    signal: AbortSignal,
  ): Promise<HostResult & ProxyMarked> {
    const result = await this.#pipeline.generate({
      ...options,
      signal,
      onProgress: (progress) => void listener.progress(progress),
      onStepEnd: (step) => void listener.stepEnd(step),
      // Awaited on this side, so that frames do not pile up before a page that draws slowly.
      onFrames: (group) => listener.frames(copyForTransfer(group)),
      // Nobody else has these pixels.
      ...(preview
        ? { onPreview: (group) => listener.preview(transfer(group, [group.rgba.buffer])) }
        : {}),
    });
    return proxy(new HostResult(result));
  }

  async encodePrompt(
    prompt: string,
    options: Omit<EncodePromptOptions, 'signal'>,
    signal: AbortSignal,
  ): Promise<PromptEmbeddings> {
    checkEncodePromptOptions(options);
    const made = await this.#pipeline.encodePrompt(prompt, { ...options, signal });
    return transfer(made, [made.embeds.buffer]);
  }

  memory(): Promise<MemoryReading> {
    return this.#pipeline.memory();
  }

  dispose(): Promise<void> {
    return this.#pipeline.dispose();
  }
}

function copyForTransfer(group: FrameGroup): FrameGroup {
  const rgba = group.rgba.slice();
  return transfer({ ...group, rgba }, [rgba.buffer]);
}

/** The checkpoint that was looked at last: a form makes plans of it with every change. */
let inspected: { key: string; checkpoint: ModelCheckpoint } | undefined;

function plain(each: ModelReference): unknown {
  return typeof each === 'object'
    ? [each.name, each.files.map(({ path, file }) => [path, file.size, file.lastModified])]
    : each;
}

function keyOf(source: ModelReference, options: PlainInspectOptions): string {
  const { revision, token, hubUrl } = options;
  return JSON.stringify([plain(source), mapParts(options, plain), revision, token, hubUrl]);
}

/** A clip that cannot be is refused before the device is opened, by what is known of the model already. */
function checkKnownClip(source: ModelReference, options: PlainLoadOptions): void {
  const { clip } = options;
  if (!clip) return;
  if (inspected?.key === keyOf(source, options)) checkClip(inspected.checkpoint, clip, options);
  else checkSizes(clip);
}

/** What of a plan's options says where the model is. */
function inspectOptions(options: PlainPlanOptions): PlainInspectOptions {
  const { revision, token, hubUrl } = options;
  return {
    ...mapParts(options, (reference) => reference),
    ...(revision === undefined ? {} : { revision }),
    ...(token === undefined ? {} : { token }),
    ...(hubUrl === undefined ? {} : { hubUrl }),
  };
}

export const host = {
  lockName: (): Promise<string | undefined> => holdLock(),

  isBroken: (): boolean => isAnyBroken(),

  async probe(choice: DeviceChoice): Promise<DeviceReport> {
    checkDeviceChoice(choice);
    return probeDevice(choice);
  },

  async inspect(
    source: ModelReference,
    options: PlainInspectOptions,
    signal: AbortSignal,
  ): Promise<CheckpointReport> {
    checkInspectOptions(source, options);
    const files = openSource(source, options);
    const checkpoint = await openModel(files, { signal, ...openParts(options, options) });
    inspected = { key: keyOf(source, options), checkpoint };
    return describeCheckpoint(files, checkpoint);
  },

  async plan(
    source: ModelReference,
    options: PlainPlanOptions,
    signal: AbortSignal,
  ): Promise<MemoryPlan> {
    checkPlanOptions(source, options);
    if (inspected?.key !== keyOf(source, options)) {
      await host.inspect(source, inspectOptions(options), signal);
    }
    const report = await probeDevice(options.device ?? 'auto');
    signal.throwIfAborted();
    if (!inspected) throw new Error('nothing was inspected');
    return planMemory(inspected.checkpoint, report, options);
  },

  /** The plan of a clip of a model in the catalogue, from what the catalogue knows: nothing is fetched. */
  async planListed(
    id: string,
    { fastDecoder, ...options }: Omit<ListedPlanOptions, 'signal'>,
    signal: AbortSignal,
  ): Promise<MemoryPlan> {
    checkListedPlanOptions({ ...options, ...(fastDecoder === undefined ? {} : { fastDecoder }) });
    const entry = listed(id);
    if (fastDecoder !== undefined && fastDecoder !== entry.fastDecoder?.source) {
      throw invalidArgument(
        'fastDecoder',
        `the catalogue knows nothing of ${shownAddress(fastDecoder)}.`,
        'Plan with planMemory, which reads its header.',
      );
    }
    const report = await probeDevice(options.device ?? 'auto');
    signal.throwIfAborted();
    const model = plannedModel(entry, { fastDecoder: fastDecoder !== undefined });
    return planMemory(model, report, options);
  },

  async assess(id: string, options: Omit<AssessOptions, 'signal'>): Promise<Verdict> {
    checkAssessOptions(options);
    const report = await probeDevice(options.device ?? 'auto');
    const freeBytes = (await browserEstimate())?.freeBytes;
    const machine = {
      report,
      threads: wasmThreads(),
      ...(freeBytes === undefined ? {} : { freeBytes }),
    };
    return assessModel(listed(id), machine, options);
  },

  async check(source: ModelReference, options: PlainLoadOptions): Promise<void> {
    checkLoadOptions(source, options);
    checkKnownClip(source, options);
    // What cannot be read as a reference is refused here.
    openSource(source, options);
    openParts(options, options);
  },

  async load(
    source: ModelReference,
    options: PlainLoadOptions,
    listener: Pick<Listener, 'progress'>,
    signal: AbortSignal,
  ): Promise<HostPipeline & ProxyMarked> {
    await host.check(source, options);
    const { fastDecoder: _, loras: __, ...settings } = options;
    let reported: Promise<void> | undefined;
    try {
      const pipeline = await EnginePipeline.fromSource(openSource(source, options), {
        ...settings,
        ...openParts(options, options),
        signal,
        onProgress: (progress) => {
          reported = listener.progress(progress);
        },
      });
      return proxy(new HostPipeline(pipeline));
    } catch (error) {
      // A pause says what the last report said: the page must have it before the failure.
      await reported?.catch(() => undefined);
      throw error;
    }
  },

  async verify(
    model: StoredModel,
    options: PlainVerifyOptions,
    listener: VerifyListener,
    signal: AbortSignal,
  ): Promise<VerifyReport> {
    checkVerifyOptions(options);
    const store = await openBrowserStore();
    try {
      const onProgress = (progress: VerifyProgress): void => void listener.progress(progress);
      return await verifyModel(store, model, { ...options, onProgress, signal });
    } finally {
      store.close();
    }
  },
};

function listed(id: string): ModelEntry {
  const entry = findModel(id);
  if (entry) return entry;
  throw invalidArgument(
    'model',
    `${id} is not in the catalogue.`,
    'See CATALOGUE for those that are.',
  );
}

export type Host = typeof host;
