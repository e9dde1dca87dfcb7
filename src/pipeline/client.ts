/** @file The page's side of the boundary: the same interface, one worker behind it. */
import { proxy, releaseProxy, type Remote, wrap } from 'comlink';
import type {
  CheckpointReport,
  DeviceChoice,
  DeviceReport,
  EncodedVideo,
  EncodeOptions,
  FrameGroup,
  GenerateOptions,
  GenerationParameters,
  LoadOptions,
  MemoryReading,
  Notice,
  PhaseSeconds,
  Progress,
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
import { installTransferHandlers } from './transfer.ts';

let remote: Remote<Host> | undefined;

/** One worker for the page, started at the first call. */
function connect(): Remote<Host> {
  if (!remote) {
    installTransferHandlers();
    const url = new URL('./worker.ts', import.meta.url);
    remote = wrap<Host>(new Worker(url, { type: 'module', name: 'zoetrope' }));
  }
  return remote;
}

/** A call without a signal of its own gets one that never fires: the boundary then has one shape. */
function signalOr(signal: AbortSignal | undefined): AbortSignal {
  return signal ?? new AbortController().signal;
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
  return connect().probe(choice);
}

/**
 * Reads a checkpoint's JSON files and safetensors headers: what it is, what loading it will fetch, what it can do.
 * @param source URL of a folder in diffusers' `WanPipeline` layout.
 * @throws ZoetropeError `model-format`, `network`.
 */
export function inspectCheckpoint(
  source: string,
  options: { signal?: AbortSignal } = {},
): Promise<CheckpointReport> {
  return connect().inspect(source, signalOr(options.signal));
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
   * @param source URL of a folder in diffusers' `WanPipeline` layout.
   * @throws ZoetropeError `webgpu-unavailable`, `feature-missing`, `model-format`, `network`; `AbortError`.
   */
  static async fromPretrained(source: string, options: LoadOptions = {}): Promise<VideoPipeline> {
    const { onProgress, signal, device, dtype } = options;
    const pipeline: Remote<HostPipeline> = await connect().load(
      source,
      { ...(device ? { device } : {}), ...(dtype ? { dtype } : {}) },
      progressListener(onProgress),
      signalOr(signal),
    );
    return new VideoPipeline(pipeline, await pipeline.describe());
  }

  /**
   * Makes a clip. One at a time.
   * @throws ZoetropeError `invalid-argument`, `out-of-memory`, `device-lost`; `AbortError`.
   */
  async generate(options: GenerateOptions): Promise<VideoResult> {
    const { onProgress, onFrames, onStepEnd, signal, ...plain } = options;
    const listener = proxy({
      progress: async (progress: Progress) => onProgress?.(progress),
      frames: async (group: FrameGroup) => onFrames?.(group),
      stepEnd: async (step: { step: number; timestep: number; totalSteps: number }) =>
        onStepEnd?.(step),
    });
    const result: Remote<HostResult> = await this.#pipeline.generate(
      plain,
      listener,
      signalOr(signal),
    );
    return new RemoteResult(result, await result.describe());
  }

  memory(): Promise<MemoryReading> {
    return this.#pipeline.memory();
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
    return this.#result.frames();
  }

  encode({ onProgress, signal, ...plain }: EncodeOptions): Promise<EncodedVideo> {
    return this.#result.encode(plain, progressListener(onProgress), signalOr(signal));
  }

  async dispose(): Promise<void> {
    if (this.#isDisposed) return;
    this.#isDisposed = true;
    await this.#result.dispose();
    this.#result[releaseProxy]();
  }
}
