/** @file The weights of one component, wherever they are kept: in RAM, or in storage and read when they are needed. */
import type { WeightInput } from '../graph/types.ts';
import type { WeightData } from './convert.ts';

export interface ComponentWeights {
  /** Bytes held in RAM now. */
  readonly ramBytes: number;
  /** The tensor `prefix + weight.name` as the graph input wants it. */
  get(prefix: string, weight: WeightInput): WeightData | Promise<WeightData>;
  /** Row `index` of a `[rows, columns]` table, as float32. */
  row(
    name: string,
    index: number,
    columns: number,
  ): Float32Array<ArrayBuffer> | Promise<Float32Array<ArrayBuffer>>;
}
