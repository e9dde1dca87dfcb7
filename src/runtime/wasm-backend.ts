/** @file The same graphs on the CPU: for machines without a GPU, and for exact tests. */
import type { InferenceSession, Tensor } from 'onnxruntime-web';
import { byteLength, type DType, elementCount, type Graph, type Shape } from '../graph/types.ts';
import type { Backend, Bindings, DeviceTensor, HostData, TensorKind } from './backend.ts';
import type { DeviceReport } from './device.ts';
import type { ZoetropeError } from '../errors.ts';
import { type FailurePlace, runtimeFailure } from './failure.ts';
import { Ledger } from './ledger.ts';
import { ortLock } from './mutex.ts';
import { isBroken, loadWasmOrt, noteFailure, type OrtModule, wasmThreads } from './ort.ts';
import { wasmHeap } from './wasm-heap.ts';
import { turn } from '../weights/turn.ts';

interface CpuTensor extends DeviceTensor {
  /** Made when it is first read: an upload or a run brings an array of its own. */
  data: HostData | undefined;
  freed: boolean;
}

export class WasmBackend implements Backend {
  readonly report: DeviceReport;
  readonly ledger = new Ledger();
  readonly #ort: OrtModule;
  readonly #sessions = new Map<string, InferenceSession>();
  #failure: ZoetropeError | undefined;

  readonly #scoreBytes: number | undefined;

  /** @param scoreBytes Of one block of attention, at the most; for tests. */
  static async open(report: DeviceReport, scoreBytes?: number): Promise<WasmBackend> {
    return new WasmBackend(report, await loadWasmOrt(), scoreBytes);
  }

  private constructor(report: DeviceReport, ort: OrtModule, scoreBytes: number | undefined) {
    this.report = report;
    this.#ort = ort;
    this.#scoreBytes = scoreBytes;
    this.#countHeap();
  }

  get failure(): ZoetropeError | undefined {
    return this.#failure;
  }

  allocate(dtype: DType, shape: Shape, kind: TensorKind): CpuTensor {
    this.ledger.reserve(kind, byteLength(dtype, shape));
    return { dtype, shape, kind, data: undefined, freed: false };
  }

  clear(tensor: DeviceTensor): void {
    asCpu(tensor).data = hostArray(tensor.dtype, elementCount(tensor.shape));
  }

  upload(tensor: DeviceTensor, data: HostData): void {
    if (tensor.kind === 'weights') this.ledger.wroteWeights(data.byteLength);
    asCpu(tensor).data = data;
  }

  download(tensor: DeviceTensor): Promise<Float32Array<ArrayBuffer>> {
    const data = dataOf(asCpu(tensor));
    if (!(data instanceof Float32Array)) throw new Error(`download of ${tensor.dtype}`);
    return Promise.resolve(data.slice());
  }

  free(tensor: DeviceTensor): void {
    const cpu = asCpu(tensor);
    if (!cpu.freed) this.ledger.release(cpu.kind, byteLength(cpu.dtype, cpu.shape));
    cpu.freed = true;
    cpu.data = undefined;
  }

  async prepare(graph: Graph): Promise<void> {
    await ortLock.run(() => this.#session(graph));
  }

  async #session(graph: Graph): Promise<InferenceSession> {
    const { key } = graph;
    const existing = this.#sessions.get(key);
    if (existing) return existing;
    const { bytes, sessionBytes } = graph.forCpu(this.#scoreBytes);
    try {
      const session = await wasmHeap.find(() =>
        this.#ort.InferenceSession.create(bytes, {
          executionProviders: ['wasm'],
          graphOptimizationLevel: 'all',
        }),
      );
      this.#sessions.set(key, session);
      wasmHeap.addSession(key, sessionBytes);
      return session;
    } catch (error) {
      throw this.#failed(`Compiling ${graph.name} failed.`, error);
    } finally {
      this.#countHeap();
    }
  }

  async run(graph: Graph, inputs: Bindings, outputs: Bindings): Promise<void> {
    await ortLock.run(async () => {
      if (this.#failure) throw this.#failure;
      const session = await this.#session(graph);
      this.#makeRoom(graph);
      const feeds = Object.fromEntries(
        Object.entries(inputs).map(([name, tensor]) => [name, this.#ortTensor(asCpu(tensor))]),
      );
      try {
        // The tag is the first thing that is written into the memory: with it the module sees how large it is.
        const results = await session.run(feeds, Object.keys(outputs), { tag: 'run' });
        for (const [name, tensor] of Object.entries(outputs)) {
          asCpu(tensor).data = results[name]?.data as HostData;
        }
      } catch (error) {
        throw this.#failed(`Running ${graph.name} failed.`, error);
      } finally {
        this.#countHeap();
      }
    });
  }

  /** @throws ZoetropeError `out-of-memory` if the run would pass the ledger's limit, or the browser gives no more. */
  #makeRoom(graph: Graph): void {
    const { runBytes } = graph.forCpu(this.#scoreBytes);
    const bytes = wasmHeap.bytesFor(runBytes, wasmThreads());
    this.ledger.checkHeap(bytes);
    wasmHeap.grow(bytes);
    this.#countHeap();
  }

  #countHeap(): void {
    this.ledger.noteHeap(wasmHeap.bytes);
  }

  #failed(message: string, error: unknown): ZoetropeError {
    noteFailure('wasm', error);
    const failure = runtimeFailure(message, error, failurePlace());
    if (isBroken('wasm')) this.#failure ??= failure;
    return failure;
  }

  #ortTensor(tensor: CpuTensor): Tensor {
    const { dtype, shape } = tensor;
    return new this.#ort.Tensor(dtype, dataOf(tensor) as never, [...shape]);
  }

  /** Runs are synchronous inside the wasm module: a turn of the event loop lets a cancel arrive. */
  throttle(): Promise<void> {
    return turn();
  }

  async trim(options: { sessions?: boolean } = {}): Promise<void> {
    if (!options.sessions) return;
    await ortLock.run(async () => {
      const sessions = [...this.#sessions];
      this.#sessions.clear();
      for (const [key, session] of sessions) await this.#release(key, session);
    });
  }

  /** A broken module cannot do it: the next run reports that. */
  async #release(key: string, session: InferenceSession): Promise<void> {
    if (this.#failure) return;
    try {
      await session.release();
      wasmHeap.removeSession(key);
    } catch (error) {
      const failure = this.#failed('Releasing a compiled graph failed.', error);
      if (!this.#failure) throw failure;
    }
  }

  dispose(): Promise<void> {
    return this.trim({ sessions: true });
  }
}

function dataOf(tensor: CpuTensor): HostData {
  tensor.data ??= hostArray(tensor.dtype, elementCount(tensor.shape));
  return tensor.data;
}

function hostArray(dtype: DType, count: number): HostData {
  switch (dtype) {
    case 'float32':
      return new Float32Array(count);
    case 'float16':
      return new Uint16Array(count);
    case 'int32':
      return new Int32Array(count);
    case 'int64':
      return new BigInt64Array(count);
    default:
      return new Uint8Array(count);
  }
}

function asCpu(tensor: DeviceTensor): CpuTensor {
  if (!('data' in tensor)) throw new Error('a tensor of another backend');
  return tensor as CpuTensor;
}

function failurePlace(): FailurePlace {
  return { device: 'wasm', isFull: wasmHeap.isFull };
}
