/** @file The page's side of the boundary: the same interface, one worker behind it. */
import { proxy, releaseProxy, type Remote } from 'comlink';
import { isAbortError, type ZoetropeError } from '../errors.ts';
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
import { type CallContext, type CallOptions, WorkerConnection } from './connection.ts';
import { disposedPipeline, disposedResult, lostResult } from './disposed.ts';
import type {
  Host,
  HostPipeline,
  HostResult,
  PipelineDescription,
  ResultDescription,
} from './host.ts';
import { mapParts } from './model-parts.ts';
import { refuseNear } from './near-options.ts';
import { pausable } from './pause.ts';
import type { StoredModel } from './stored-model.ts';

let current: WorkerConnection<Host> | undefined;

/** One worker for the page, started at the first call, and again after it was lost. */
function connect(): WorkerConnection<Host> {
  if (!current || current.isLost) {
    // Bundlers find the worker by just this form of words.
    const worker = new Worker(new URL('./worker.ts', import.meta.url), {
      type: 'module',
      name: 'zoetrope',
    });
    current = new WorkerConnection<Host>(worker);
  }
  return current;
}

type Start<T> = (connection: WorkerConnection<Host>, context: CallContext) => Promise<T>;

/** A call that needs nothing of earlier ones. A worker that was ended for another call's sake is replaced. */
async function call<T>(start: Start<T>, options: CallOptions): Promise<T> {
  const connection = connect();
  const startOn = (on: WorkerConnection<Host>): Promise<T> =>
    on.call((context) => start(on, context), options);
  try {
    return await startOn(connection);
  } catch (error) {
    if (!connection.wasUnanswered || isAbortError(error)) throw error;
    return startOn(connect());
  }
}

/** A call that only asks. */
function query<T>(start: Start<T>, signal?: AbortSignal): Promise<T> {
  return call(start, { signals: [signal], isQuery: true });
}

/** In the worker, relative addresses would be relative to its script. */
function fromPage(reference: ModelReference): ModelReference {
  return resolveReference(reference, document.baseURI);
}

function withUrls<T extends InspectOptions>(options: T): T {
  return { ...options, ...mapParts(options, fromPage) };
}

function progressListener(
  { guard }: CallContext,
  onProgress: ((progress: Progress) => void) | undefined,
): { progress: (progress: Progress) => Promise<void> } {
  return proxy({ progress: guard(onProgress) });
}

/**
 * Says what device would be used, without opening it or fetching anything.
 * @throws ZoetropeError `webgpu-unavailable` if WebGPU is forced and there is no adapter; `AbortError`.
 */
export async function probeDevice(
  choice: DeviceChoice = 'auto',
  options: { signal?: AbortSignal } = {},
): Promise<DeviceReport> {
  const refused = refuseNear(options);
  if (refused) return refused;
  return query(({ remote }) => remote.probe(choice), options.signal);
}

/**
 * Reads a checkpoint's JSON files and safetensors headers: what it is, what loading it will fetch, what it can do.
 * @param source Of a folder in diffusers' `WanPipeline` layout.
 * @throws ZoetropeError `invalid-argument`, `model-format`, `network`.
 */
export async function inspectCheckpoint(
  source: ModelReference,
  options: InspectOptions = {},
): Promise<CheckpointReport> {
  const refused = refuseNear(options);
  if (refused) return refused;
  const { signal, ...plain } = options;
  return query(
    ({ remote }, context) => remote.inspect(fromPage(source), withUrls(plain), context.signal),
    signal,
  );
}

/**
 * Checks the options of loading, and `clip`, as far as that is possible without fetching anything. Loading and generating
 * check them too.
 * @throws ZoetropeError `invalid-argument`, naming the option.
 */
export async function checkLoad(source: ModelReference, options: LoadOptions = {}): Promise<void> {
  const refused = refuseNear(options, 'onProgress');
  if (refused) return refused;
  const { signal, onProgress: _, pause: __, ...plain } = options;
  return query(({ remote }) => remote.check(fromPage(source), withUrls(plain)), signal);
}

/**
 * Says how a clip would fit the device, before anything is fetched.
 * @param source Of a folder in diffusers' `WanPipeline` layout.
 * @throws ZoetropeError `invalid-argument`, `feature-missing`, `webgpu-unavailable`, `model-format`, `network`.
 */
export async function planMemory(
  source: ModelReference,
  options: PlanOptions = {},
): Promise<MemoryPlan> {
  const refused = refuseNear(options);
  if (refused) return refused;
  const { signal, ...plain } = options;
  return query(
    ({ remote }, context) => remote.plan(fromPage(source), withUrls(plain), context.signal),
    signal,
  );
}

/**
 * Says how a clip of a model in `CATALOGUE` would fit the device, from what the catalogue knows: nothing is fetched.
 * @param id Of the entry.
 * @throws ZoetropeError `invalid-argument`, `feature-missing`, `webgpu-unavailable`.
 */
export async function planListedModel(
  id: string,
  options: ListedPlanOptions = {},
): Promise<MemoryPlan> {
  const refused = refuseNear(options);
  if (refused) return refused;
  const { signal, ...plain } = options;
  return query(({ remote }, context) => remote.planListed(id, plain, context.signal), signal);
}

/**
 * Says what to expect of a model in `CATALOGUE` on this machine: nothing is fetched.
 * @param id Of the entry.
 * @throws ZoetropeError `invalid-argument`, `webgpu-unavailable`; `AbortError`.
 */
export async function assessModel(id: string, options: AssessOptions = {}): Promise<Verdict> {
  const refused = refuseNear(options);
  if (refused) return refused;
  const { signal, ...plain } = options;
  return query(({ remote }) => remote.assess(id, plain), signal);
}

/**
 * Reads every file that a stored model was imported from whole, from where it came; compares each with the SHA-256 that the
 * hub lists, and what is kept with what the files hold. The outcome is noted, and `listStoredModels` reports it. What is
 * damaged is fetched again when the model is loaded: dispose of a pipeline that reads from it first.
 * @throws ZoetropeError `model-format` if the model is incomplete, or was kept by a version that did not note its files;
 *   `network`; `invalid-argument` without the folder of a model that came from one; `AbortError`.
 */
export async function verifyStoredModel(
  model: StoredModel,
  options: VerifyOptions = {},
): Promise<VerifyReport> {
  const refused = refuseNear(options, 'onProgress');
  if (refused) return refused;
  const { onProgress, signal, ...plain } = options;
  return call(
    ({ remote }, context) => {
      const listener = proxy({
        progress: context.guard((progress: VerifyProgress) => onProgress?.(progress)),
      });
      return remote.verify(model, plain, listener, context.signal);
    },
    { signals: [signal] },
  );
}

/** A text-to-video pipeline, computing in a worker. */
export class VideoPipeline implements VideoPipelineInterface {
  readonly device: DeviceReport;
  readonly checkpoint: CheckpointReport;
  /** Resolves with the reason when the worker has ended: see `isLost`. It never rejects. */
  readonly lost: Promise<ZoetropeError>;
  readonly #connection: WorkerConnection<Host>;
  readonly #pipeline: Remote<HostPipeline>;
  readonly #disposal = new AbortController();
  #disposed: Promise<void> | undefined;

  private constructor(
    connection: WorkerConnection<Host>,
    pipeline: Remote<HostPipeline>,
    description: PipelineDescription,
  ) {
    this.device = description.device;
    this.checkpoint = description.checkpoint;
    this.lost = connection.lost;
    this.#connection = connection;
    this.#pipeline = pipeline;
  }

  /**
   * Opens a device, and fetches and checks a checkpoint.
   * @param source Of a folder in diffusers' `WanPipeline` layout.
   * @throws ZoetropeError `invalid-argument`, `webgpu-unavailable`, `feature-missing`, `model-format`, `network`,
   *   `worker-lost`; `AbortError`, also as a `DownloadPaused`.
   */
  static async fromPretrained(
    source: ModelReference,
    options: LoadOptions = {},
  ): Promise<VideoPipeline> {
    const refused = refuseNear(options, 'onProgress');
    if (refused) return refused;
    return pausable(options, ({ onProgress, signal, ...plain }) =>
      call(
        async (connection, context) => {
          const pipeline: Remote<HostPipeline> = await connection.remote.load(
            fromPage(source),
            withUrls(plain),
            progressListener(context, onProgress),
            context.signal,
          );
          return new VideoPipeline(connection, pipeline, await pipeline.describe());
        },
        { signals: [signal] },
      ),
    );
  }

  get isLost(): boolean {
    return this.#connection.isLost;
  }

  /**
   * Makes a clip. One at a time.
   * @throws ZoetropeError `invalid-argument`, `out-of-memory`, `device-lost`, `worker-lost`; `AbortError`, also when the
   *   pipeline is disposed of meanwhile.
   */
  async generate(options: GenerateOptions): Promise<VideoResult> {
    const refused = refuseNear(options, 'onProgress', 'onFrames', 'onStepEnd', 'onPreview');
    if (refused) return refused;
    const { onProgress, onFrames, onStepEnd, onPreview, signal, ...rest } = options;
    const plain = { ...rest, preview: onPreview !== undefined };
    return this.#call(async ({ guard, signal }) => {
      const listener = proxy({
        progress: guard(onProgress),
        frames: guard(onFrames),
        stepEnd: guard(onStepEnd),
        preview: guard(onPreview),
      });
      const result: Remote<HostResult> = await this.#pipeline.generate(plain, listener, signal);
      return new RemoteResult(this.#connection, result, await result.describe());
    }, signal);
  }

  /**
   * The embeddings of a prompt, or of a negative one: to save, and to give to `generate` in its place.
   * @throws ZoetropeError `invalid-argument`, also without a text encoder; `out-of-memory`, `device-lost`, `worker-lost`;
   *   `AbortError`.
   */
  async encodePrompt(prompt: string, options: EncodePromptOptions = {}): Promise<PromptEmbeddings> {
    const refused = refuseNear(options);
    if (refused) return refused;
    const { signal, ...plain } = options;
    return this.#call(
      (context) => this.#pipeline.encodePrompt(prompt, plain, context.signal),
      signal,
    );
  }

  async memory(): Promise<MemoryReading> {
    this.#checkOpen();
    return this.#connection.call(() => this.#pipeline.memory(), { isQuery: true });
  }

  dispose(): Promise<void> {
    this.#disposed ??= this.#dispose();
    return this.#disposed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  async #call<T>(start: (context: CallContext) => Promise<T>, signal?: AbortSignal): Promise<T> {
    this.#checkOpen();
    return this.#connection.call(start, { signals: [signal, this.#disposal.signal] });
  }

  async #dispose(): Promise<void> {
    this.#disposal.abort();
    await release(this.#connection, this.#pipeline);
  }

  #checkOpen(): void {
    if (this.#disposed) throw disposedPipeline();
  }
}

/** Disposes of something in the worker. What was lost with the worker is gone already. */
async function release(
  connection: WorkerConnection<Host>,
  remote: Remote<HostPipeline> | Remote<HostResult>,
): Promise<void> {
  try {
    await connection.call(() => remote.dispose(), { isLast: true });
  } catch (error) {
    if (!connection.isLost) throw error;
  }
  remote[releaseProxy]();
}

class RemoteResult implements VideoResult {
  readonly parameters: GenerationParameters;
  readonly notices: readonly Notice[];
  readonly seconds: PhaseSeconds;
  readonly memory: MemoryReading;
  readonly encoded?: EncodedVideo;
  readonly #connection: WorkerConnection<Host>;
  readonly #result: Remote<HostResult>;
  #disposed: Promise<void> | undefined;

  constructor(
    connection: WorkerConnection<Host>,
    result: Remote<HostResult>,
    description: ResultDescription,
  ) {
    this.parameters = description.parameters;
    this.notices = description.notices;
    this.seconds = description.seconds;
    this.memory = description.memory;
    if (description.encoded) this.encoded = description.encoded;
    this.#connection = connection;
    this.#result = result;
  }

  async frames(): Promise<readonly FrameGroup[]> {
    return this.#call(() => this.#result.frames());
  }

  async encode(options: EncodeOptions): Promise<EncodedVideo> {
    const refused = refuseNear(options, 'onProgress');
    if (refused) return refused;
    const { onProgress, signal, ...plain } = options;
    return this.#call(
      (context) =>
        this.#result.encode(plain, progressListener(context, onProgress), context.signal),
      signal,
    );
  }

  dispose(): Promise<void> {
    this.#disposed ??= release(this.#connection, this.#result);
    return this.#disposed;
  }

  async #call<T>(start: (context: CallContext) => Promise<T>, signal?: AbortSignal): Promise<T> {
    if (this.#disposed) throw disposedResult();
    if (this.#connection.isLost) throw lostResult();
    return this.#connection.call(start, { signals: [signal] });
  }
}
