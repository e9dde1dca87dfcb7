/** @file Tensors as the project's own GPU buffers, sessions on the project's own device. */
import type { InferenceSession, Tensor } from 'onnxruntime-web';
import { ZoetropeError } from '../errors.ts';
import { bufferBytes, byteLength, type DType, type Graph, type Shape } from '../graph/types.ts';
import type { Backend, Bindings, DeviceTensor, HostData, TensorKind } from './backend.ts';
import type { OpenDevice } from './device.ts';
import { type FailurePlace, runtimeFailure } from './failure.ts';
import { ortLock } from './mutex.ts';
import { isBroken, loadWebGpuOrt, noteFailure, type OrtModule } from './ort.ts';

/** Runs submitted but not finished, at the most. */
const MAX_IN_FLIGHT = 2;

const ON_GPU: FailurePlace = { device: 'webgpu' };

/** Milliseconds within which a device reports its loss, after what fails for that reason. */
const LOSS_DELAY = 200;

interface GpuTensor extends DeviceTensor {
  readonly buffer: GPUBuffer;
  readonly tensor: Tensor;
}

export class WebGpuBackend implements Backend {
  readonly report;
  readonly ledger;
  readonly #device: GPUDevice;
  readonly #ort: OrtModule;
  readonly #sessions = new Map<string, InferenceSession>();
  readonly #pool = new Map<string, GPUBuffer[]>();
  readonly #inFlight: Promise<unknown>[] = [];
  #failure: ZoetropeError | undefined;
  #disposed = false;

  static async open(opened: OpenDevice): Promise<WebGpuBackend> {
    return new WebGpuBackend(opened, await loadWebGpuOrt());
  }

  private constructor(opened: OpenDevice, ort: OrtModule) {
    this.#device = opened.device;
    this.#ort = ort;
    this.report = opened.report;
    this.ledger = opened.ledger;
    void this.#device.lost.then((info) => {
      if (this.#disposed) return;
      this.#failure ??= new ZoetropeError(
        'device-lost',
        `The GPU was lost: ${info.message || info.reason}.`,
        'Generate again: a new device is opened. If it happens again, choose a smaller size.',
      );
    });
    this.#device.addEventListener('uncapturederror', (event) => {
      this.#failure ??= runtimeFailure('The GPU reported an error.', event.error, ON_GPU);
    });
  }

  get failure(): ZoetropeError | undefined {
    return this.#failure;
  }

  /** What a failed call means. The device is not trusted after it. */
  async #failed(message: string, error: unknown): Promise<ZoetropeError> {
    noteFailure('webgpu', error);
    // What fails because the device is lost may fail before the device says so.
    await Promise.race([this.#device.lost, new Promise((done) => setTimeout(done, LOSS_DELAY))]);
    this.#failure ??= this.ledger.takeRefusal() ?? runtimeFailure(message, error, ON_GPU);
    return this.#failure;
  }

  allocate(dtype: DType, shape: Shape, kind: TensorKind): GpuTensor {
    this.#check();
    const buffer = this.#takeBuffer(bufferBytes(dtype, shape), kind);
    const tensor = this.#ort.Tensor.fromGpuBuffer(buffer, { dataType: dtype, dims: shape });
    return { dtype, shape, kind, buffer, tensor };
  }

  /** From the pool, or new. */
  #takeBuffer(size: number, kind: TensorKind): GPUBuffer {
    return this.#pool.get(`${kind}:${size}`)?.pop() ?? this.#createBuffer(size, kind);
  }

  #giveBack(buffer: GPUBuffer, kind: TensorKind): void {
    const key = `${kind}:${buffer.size}`;
    const pooled = this.#pool.get(key);
    if (pooled) pooled.push(buffer);
    else this.#pool.set(key, [buffer]);
  }

  #createBuffer(size: number, kind: TensorKind): GPUBuffer {
    if (size > this.report.maxBufferSize) {
      throw new ZoetropeError(
        'out-of-memory',
        `A tensor of ${size} bytes is above this GPU's largest buffer, ${this.report.maxBufferSize} bytes.`,
        'Choose a smaller size or fewer frames.',
      );
    }
    const usage =
      kind === 'staging'
        ? GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST
        : GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
    return this.#device.createBuffer({ label: `zoetrope/${kind}`, size, usage });
  }

  clear(tensor: DeviceTensor): void {
    const encoder = this.#device.createCommandEncoder();
    encoder.clearBuffer(asGpu(tensor).buffer);
    this.#device.queue.submit([encoder.finish()]);
  }

  upload(tensor: DeviceTensor, data: HostData): void {
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    if (tensor.kind === 'weights') this.ledger.wroteWeights(bytes.byteLength);
    const tail = bytes.byteLength % 4;
    const { buffer } = asGpu(tensor);
    // writeBuffer moves whole words; the padding up to 16 bytes leaves room for the last one.
    if (tail === 0) {
      this.#device.queue.writeBuffer(buffer, 0, bytes);
    } else {
      const padded = new Uint8Array(bytes.byteLength + 4 - tail);
      padded.set(bytes);
      this.#device.queue.writeBuffer(buffer, 0, padded);
    }
  }

  async download(tensor: DeviceTensor): Promise<Float32Array<ArrayBuffer>> {
    this.#check();
    if (tensor.dtype !== 'float32') throw new Error(`download of ${tensor.dtype}`);
    const { buffer } = asGpu(tensor);
    const bytes = byteLength(tensor.dtype, tensor.shape);
    const staging = this.#takeBuffer(bufferBytes(tensor.dtype, tensor.shape), 'staging');
    try {
      const encoder = this.#device.createCommandEncoder();
      encoder.copyBufferToBuffer(buffer, 0, staging, 0, bytes);
      this.#device.queue.submit([encoder.finish()]);
      await staging.mapAsync(GPUMapMode.READ);
      this.#check();
      const data = new Float32Array(staging.getMappedRange(0, bytes).slice(0));
      staging.unmap();
      this.#giveBack(staging, 'staging');
      return data;
    } catch (error) {
      staging.destroy();
      throw await this.#failed('Reading back from the GPU failed.', error);
    }
  }

  free(tensor: DeviceTensor): void {
    const { buffer, kind } = asGpu(tensor);
    this.#giveBack(buffer, kind);
  }

  async prepare(graph: Graph): Promise<void> {
    await ortLock.run(() => this.#session(graph));
  }

  /** Only inside the lock. */
  async #session(graph: Graph): Promise<InferenceSession> {
    const existing = this.#sessions.get(graph.key);
    if (existing) return existing;
    this.#check();
    this.ledger.takeRefusal();
    const provider: InferenceSession.WebGpuExecutionProviderOption & Record<string, unknown> = {
      name: 'webgpu',
      device: this.#device,
      storageBufferCacheMode: 'simple',
    };
    try {
      const session = await this.#ort.InferenceSession.create(graph.bytes, {
        executionProviders: [provider],
        graphOptimizationLevel: 'all',
        // A node that would fall back to the CPU is a bug in a graph: better an error here than a slow copy a step.
        extra: { session: { disable_cpu_ep_fallback: '1' } },
      });
      this.#sessions.set(graph.key, session);
      return session;
    } catch (error) {
      throw await this.#failed(`Compiling ${graph.name} failed.`, error);
    }
  }

  async run(graph: Graph, inputs: Bindings, outputs: Bindings): Promise<void> {
    await ortLock.run(async () => {
      const session = await this.#session(graph);
      this.#check();
      this.ledger.takeRefusal();
      try {
        await session.run(ortTensors(inputs), ortTensors(outputs));
      } catch (error) {
        // A session whose run was rejected is not to be trusted again.
        this.#sessions.delete(graph.key);
        const failure = await this.#failed(`Running ${graph.name} failed.`, error);
        await this.#release(session);
        throw failure;
      }
    });
    this.#check();
  }

  async throttle(): Promise<void> {
    // Work on a device that was lost has no end to wait for; the loss itself is what to report.
    this.#inFlight.push(this.#device.queue.onSubmittedWorkDone().catch(() => undefined));
    if (this.#inFlight.length > MAX_IN_FLIGHT) await this.#inFlight.shift();
    this.#check();
  }

  async trim(options: { sessions?: boolean } = {}): Promise<void> {
    await Promise.all(this.#inFlight.splice(0));
    for (const buffers of this.#pool.values()) for (const buffer of buffers) buffer.destroy();
    this.#pool.clear();
    if (!options.sessions) return;
    await ortLock.run(async () => {
      const sessions = [...this.#sessions.values()];
      this.#sessions.clear();
      for (const session of sessions) await this.#release(session);
    });
  }

  /** A failed device may refuse it, and a broken module cannot do it: what is to be reported has been by then. */
  async #release(session: InferenceSession): Promise<void> {
    if (isBroken('webgpu')) return;
    try {
      await session.release();
    } catch (error) {
      noteFailure('webgpu', error);
      if (!this.#failure) throw error;
    }
  }

  async dispose(): Promise<void> {
    if (this.#disposed) return;
    this.#disposed = true;
    try {
      await this.trim({ sessions: true });
    } finally {
      this.#device.destroy();
      this.ledger.close();
    }
  }

  #check(): void {
    if (this.#failure) throw this.#failure;
  }
}

function asGpu(tensor: DeviceTensor): GpuTensor {
  if (!('buffer' in tensor)) throw new Error('a tensor of another backend');
  return tensor as GpuTensor;
}

function ortTensors(bindings: Bindings): Record<string, Tensor> {
  return Object.fromEntries(
    Object.entries(bindings).map(([name, tensor]) => [name, asGpu(tensor).tensor]),
  );
}
