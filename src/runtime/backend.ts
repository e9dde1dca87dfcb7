/** @file What the stage runner needs of a place to compute: tensors, sessions, runs, and a ledger. */
import type { ZoetropeError } from '../errors.ts';
import type { DType, Graph, Shape } from '../graph/types.ts';
import type { Ledger } from './ledger.ts';
import type { DeviceReport } from './device.ts';

/** What a tensor's bytes are counted under. */
export type TensorKind = 'weights' | 'activations' | 'decode' | 'staging';

/** Typed arrays that match an element type; float16 is held as its bits. */
export type HostData =
  | Float32Array<ArrayBuffer>
  | Uint16Array<ArrayBuffer>
  | Int32Array<ArrayBuffer>
  | BigInt64Array<ArrayBuffer>
  | Uint8Array<ArrayBuffer>;

/** A tensor that lives where the backend computes. Owned by whoever made it, who must `free` it. */
export interface DeviceTensor {
  readonly dtype: DType;
  readonly shape: Shape;
  readonly kind: TensorKind;
}

export type Bindings = Readonly<Record<string, DeviceTensor>>;

export interface Backend {
  readonly report: DeviceReport;
  readonly ledger: Ledger;
  /** Why it can compute no more; another backend has to be opened. */
  readonly failure: ZoetropeError | undefined;
  /** Uninitialised memory, taken from the pool of freed tensors where one fits. */
  allocate(dtype: DType, shape: Shape, kind: TensorKind): DeviceTensor;
  /** Fills with zeros. */
  clear(tensor: DeviceTensor): void;
  upload(tensor: DeviceTensor, data: HostData): void;
  /** Waits for all work before it. float32 only: everything that leaves the device is. */
  download(tensor: DeviceTensor): Promise<Float32Array<ArrayBuffer>>;
  /** Gives the memory back to the pool. */
  free(tensor: DeviceTensor): void;
  /** Makes and keeps the session of a graph. */
  prepare(graph: Graph): Promise<void>;
  /** Runs a prepared graph from `inputs` into `outputs`, both complete. */
  run(graph: Graph, inputs: Bindings, outputs: Bindings): Promise<void>;
  /** Waits until at most a few runs are in flight, so that cancelling acts soon and memory is bounded. */
  throttle(): Promise<void>;
  /** Destroys pooled memory and, with `sessions`, compiled sessions too. */
  trim(options?: { sessions?: boolean }): Promise<void>;
  dispose(): Promise<void>;
}
