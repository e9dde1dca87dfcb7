/** @file The vocabulary of the graph builder: element types, values, and what a finished graph declares. */
import type { QuantFormat } from '../weights/quantize-format.ts';

export type DType = 'float32' | 'float16' | 'int64' | 'int32' | 'uint8' | 'bool';

export type Shape = readonly number[];

/** A tensor inside a graph under construction: its static shape and element type are always known. */
export interface Value {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: Shape;
}

/** How a checkpoint tensor is laid out anew before it becomes a graph input. */
export type WeightPacking =
  /** Bytes as they are; only the shape may be read differently. */
  | 'none'
  /** `[O, C, kt, kh, kw]` → `[O, kt·C, kh, kw]`: a causal 3-D convolution as one 2-D convolution over stacked frames. */
  | 'fold-time'
  | QuantizedPart;

/** One of the two graph inputs that a quantized weight becomes. */
export interface QuantizedPart {
  readonly format: QuantFormat;
  readonly part: 'codes' | 'scales';
}

/** A graph input that a checkpoint fills. */
export interface WeightInput {
  /** Graph input name. */
  readonly name: string;
  /** Name in the checkpoint, within the stage's prefix. */
  readonly source: string;
  readonly dtype: DType;
  /** Shape in the graph. */
  readonly shape: Shape;
  /** Shape that the checkpoint must have. */
  readonly sourceShape: Shape;
  readonly packing: WeightPacking;
}

/** A graph as the CPU is to run it. */
export interface CpuGraph {
  readonly key: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Bytes that onnxruntime takes from the heap during one run: inputs, weights, intermediates and outputs, at the most. */
  readonly runBytes: number;
  /** Bytes that the compiled graph keeps in the heap between runs. */
  readonly sessionBytes: number;
}

/** A finished, weight-free ONNX graph. Equal bytes mean equal graphs: `key` is their digest. */
export interface Graph {
  readonly name: string;
  readonly key: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Activations, in declaration order. */
  readonly inputs: readonly Value[];
  readonly weights: readonly WeightInput[];
  readonly outputs: readonly Value[];
  /** Floating-point operations of one run in its products (dense, convolution, attention): what time goes by. */
  readonly flops: number;
  /** Of the inline constants, each in a buffer of its own. */
  readonly constantBytes: number;
  /** Buffers that onnxruntime takes for intermediate values in one run: bytes → how many of that size. */
  readonly scratch: ReadonlyMap<number, number>;
  /**
   * Bytes of the largest tensor that one of its kernels reads or writes, were nothing fused: on WebGPU it may not be above
   * `maxStorageBufferBindingSize`.
   */
  readonly largestTensorBytes: number;
  /**
   * The same computation for the CPU: large attention in blocks of queries. Worked out when it is first asked for.
   * @param scoreBytes Of one block of attention, at the most; for tests.
   */
  forCpu(scoreBytes?: number): CpuGraph;
}

const BYTES: Record<DType, number> = {
  float32: 4,
  float16: 2,
  int64: 8,
  int32: 4,
  uint8: 1,
  bool: 1,
};

/** Bytes of one element. */
export function bytesPerElement(dtype: DType): number {
  return BYTES[dtype];
}

/** Number of elements; 1 for a scalar. */
export function elementCount(shape: Shape): number {
  return shape.reduce((product, dim) => product * dim, 1);
}

/** Bytes of a dense tensor. */
export function byteLength(dtype: DType, shape: Shape): number {
  return bytesPerElement(dtype) * elementCount(shape);
}

/** onnxruntime's kernels read in vectors of four floats, so buffers are rounded up to them. */
const BUFFER_ALIGNMENT = 16;

/** Bytes of the GPU buffer that holds a tensor. */
export function bufferBytes(dtype: DType, shape: Shape): number {
  return Math.ceil(byteLength(dtype, shape) / BUFFER_ALIGNMENT) * BUFFER_ALIGNMENT;
}

/** `float32[2, 3]`, for messages. */
export function describe(value: { dtype: DType; shape: Shape }): string {
  return `${value.dtype}[${value.shape.join(', ')}]`;
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((dim, axis) => dim === b[axis]);
}
