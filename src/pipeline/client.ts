/** @file The page's side of the boundary: the same interface, one worker behind it. */
import { proxy, releaseProxy, type Remote, wrap } from 'comlink';
import { ZoetropeError } from '../errors.ts';
import { resolveReference } from '../weights/reference.ts';
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
  VideoPipelineInterface,
  VideoResult,
} from './api.ts';
import type {
  Host,
  HostPipeline,
  HostResult,
  PipelineDescription,
  ResultDescription,
} from './host.ts';
import { mapParts } from './model-parts.ts';
import { pausable } from './pause.ts';
import type { StoredModel } from './stored-model.ts';
import { installTransferHandlers } from './transfer.ts';

let remote: Remote<Host> | undefined;
/** Never resolves; rejects if the worker cannot start or dies, when calls into it would otherwise wait for ever. */
let failure: Promise<never> | undefined;

/** One worker for the page, started at the first call, and anew after it died. */
function connect(): Remote<Host> {
  if (!remote) {
    installTransferHandlers();
    // Bundlers find the worker by just this form of words.
    const worker = new Worker(new URL('./worker.ts', import.meta.url), {
      type: 'module',
      name: 'zoetrope',
    });
    failure = new Promise((_, reject) => {
      worker.addEventListener('error', (event) => {
        remote = undefined;
        worker.terminate();
        reject(
          new ZoetropeError(
            'feature-missing',
            `The worker failed: ${event.message || 'its script could not be loaded'}.`,
            'Load the page again; the browser must support module workers.',
          ),
        );
      });
    });
    // Whoever is waiting is told by `call`; with nobody waiting there is nobody to tell.
    failure.catch(() => undefined);
    remote = wrap<Host>(worker);
  }
  return remote;
}

/** The result of a call into the worker, or its failure. */
function call<T>(result: Promise<T>): Promise<T> {
  return failure ? Promise.race([result, failure]) : result;
}

/** A call without a signal of its own gets one that never fires: the boundary then has one shape. */
function signalOr(signal: AbortSignal | undefined): AbortSignal {
  return signal ?? new AbortController().signal;
}

/** In the worker, relative addresses would be relative to its script. */
function fromPage(reference: ModelReference): ModelReference {
  return resolveReference(reference, document.baseURI);
}

function withUrls<T extends InspectOptions>(options: T): T {
  return { ...options, ...mapParts(options, fromPage) };
}

function progressListener(onProgress: ((progress: Progress) => void) | undefined): {
  progress: (progress: Progress) => Promise<void>;
} {
  return proxy({ progress: async (progress: Progress) => onProgress?.(progress) });
}

/**
 * Says what device would be used, without opening it or fetching anything.
 * @throws ZoetropeError `webgpu-unavailable` if WebGPU is forced and there is no adapter.
 */
export function probeDevice(choice: DeviceChoice = 'auto'): Promise<DeviceReport> {
  return call(connect().probe(choice));
}

/**
 * Reads a checkpoint's JSON files and safetensors headers: what it is, what loading it will fetch, what it can do.
 * @param source Of a folder in diffusers' `WanPipeline` layout.
 * @throws ZoetropeError `invalid-argument`, `model-format`, `network`.
 */
export function inspectCheckpoint(
  source: ModelReference,
  { signal, ...plain }: InspectOptions = {},
): Promise<CheckpointReport> {
  return call(connect().inspect(fromPage(source), withUrls(plain), signalOr(signal)));
}

/**
 * Says how a clip would fit the device, before anything is fetched.
 * @param source Of a folder in diffusers' `WanPipeline` layout.
 * @throws ZoetropeError `invalid-argument`, `feature-missing`, `webgpu-unavailable`, `model-format`, `network`.
 */
export function planMemory(source: ModelReference, options: PlanOptions = {}): Promise<MemoryPlan> {
  const { signal, ...plain } = options;
  return call(connect().plan(fromPage(source), withUrls(plain), signalOr(signal)));
}

/**
 * Says how a clip of a model in `CATALOGUE` would fit the device, from what the catalogue knows: nothing is fetched.
 * @param id Of the entry.
 * @throws ZoetropeError `invalid-argument`, `feature-missing`, `webgpu-unavailable`.
 */
export function planListedModel(id: string, options: ListedPlanOptions = {}): Promise<MemoryPlan> {
  const { signal, ...plain } = options;
  return call(connect().planListed(id, plain, signalOr(signal)));
}

/**
 * Says what to expect of a model in `CATALOGUE` on this machine: nothing is fetched.
 * @param id Of the entry.
 * @throws ZoetropeError `invalid-argument`, `webgpu-unavailable`.
 */
export function assessModel(id: string, options: AssessOptions = {}): Promise<Verdict> {
  return call(connect().assess(id, options));
}

/**
 * Reads every file that a stored model was imported from whole, from where it came; compares each with the SHA-256 that the
 * hub lists, and what is kept with what the files hold. The outcome is noted, and `listStoredModels` reports it. What is
 * damaged is fetched again when the model is loaded: dispose of a pipeline that reads from it first.
 * @throws ZoetropeError `model-format` if the model is incomplete, or was kept by a version that did not note its files;
 *   `network`; `invalid-argument` without the folder of a model that came from one; `AbortError`.
 */
export function verifyStoredModel(
  model: StoredModel,
  { onProgress, signal, ...plain }: VerifyOptions = {},
): Promise<VerifyReport> {
  const listener = proxy({
    progress: async (progress: VerifyProgress) => onProgress?.(progress),
  });
  return call(connect().verify(model, plain, listener, signalOr(signal)));
}

/** A text-to-video pipeline, computing in a worker. */
export class VideoPipeline implements VideoPipelineInterface {
  readonly device: DeviceReport;
  readonly checkpoint: CheckpointReport;
  readonly #pipeline: Remote<HostPipeline>;
  #isDisposed = false;

  private constructor(pipeline: Remote<HostPipeline>, description: PipelineDescription) {
    this.device = description.device;
    this.checkpoint = description.checkpoint;
    this.#pipeline = pipeline;
  }

  /**
   * Opens a device, and fetches and checks a checkpoint.
   * @param source Of a folder in diffusers' `WanPipeline` layout.
   * @throws ZoetropeError `invalid-argument`, `webgpu-unavailable`, `feature-missing`, `model-format`, `network`;
   *   `AbortError`, also as a `DownloadPaused`.
   */
  static async fromPretrained(
    source: ModelReference,
    options: LoadOptions = {},
  ): Promise<VideoPipeline> {
    const load = ({ onProgress, signal, ...plain }: Omit<LoadOptions, 'pause'>) =>
      call<Remote<HostPipeline>>(
        connect().load(
          fromPage(source),
          withUrls(plain),
          progressListener(onProgress),
          signalOr(signal),
        ),
      );
    const pipeline = await pausable(options, load);
    return new VideoPipeline(pipeline, await pipeline.describe());
  }

  /**
   * Makes a clip. One at a time.
   * @throws ZoetropeError `invalid-argument`, `out-of-memory`, `device-lost`; `AbortError`.
   */
  async generate(options: GenerateOptions): Promise<VideoResult> {
    const { onProgress, onFrames, onStepEnd, onPreview, signal, ...rest } = options;
    const plain = { ...rest, preview: onPreview !== undefined };
    const listener = proxy({
      progress: async (progress: Progress) => onProgress?.(progress),
      frames: async (group: FrameGroup) => onFrames?.(group),
      stepEnd: async (step: { step: number; timestep: number; totalSteps: number }) =>
        onStepEnd?.(step),
      preview: async (group: FrameGroup) => onPreview?.(group),
    });
    const result: Remote<HostResult> = await call(
      this.#pipeline.generate(plain, listener, signalOr(signal)),
    );
    return new RemoteResult(result, await result.describe());
  }

  /**
   * The embeddings of a prompt, or of a negative one: to save, and to give to `generate` in its place.
   * @throws ZoetropeError `invalid-argument`, also without a text encoder; `out-of-memory`, `device-lost`; `AbortError`.
   */
  encodePrompt(
    prompt: string,
    { signal, ...plain }: EncodePromptOptions = {},
  ): Promise<PromptEmbeddings> {
    return call(this.#pipeline.encodePrompt(prompt, plain, signalOr(signal)));
  }

  memory(): Promise<MemoryReading> {
    return call(this.#pipeline.memory());
  }

  async dispose(): Promise<void> {
    if (this.#isDisposed) return;
    this.#isDisposed = true;
    await this.#pipeline.dispose();
    this.#pipeline[releaseProxy]();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }
}

class RemoteResult implements VideoResult {
  readonly parameters: GenerationParameters;
  readonly notices: readonly Notice[];
  readonly seconds: PhaseSeconds;
  readonly memory: MemoryReading;
  readonly encoded?: EncodedVideo;
  readonly #result: Remote<HostResult>;
  #isDisposed = false;

  constructor(result: Remote<HostResult>, description: ResultDescription) {
    this.parameters = description.parameters;
    this.notices = description.notices;
    this.seconds = description.seconds;
    this.memory = description.memory;
    if (description.encoded) this.encoded = description.encoded;
    this.#result = result;
  }

  frames(): Promise<readonly FrameGroup[]> {
    return call(this.#result.frames());
  }

  encode({ onProgress, signal, ...plain }: EncodeOptions): Promise<EncodedVideo> {
    return call(this.#result.encode(plain, progressListener(onProgress), signalOr(signal)));
  }

  async dispose(): Promise<void> {
    if (this.#isDisposed) return;
    this.#isDisposed = true;
    await this.#result.dispose();
    this.#result[releaseProxy]();
  }
}
