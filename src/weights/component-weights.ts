/** @file The weights of one component, wherever they are kept: in RAM, or in storage and read when they are needed. */
import type { WeightInput } from '../graph/types.ts';
import type { WeightData } from './convert.ts';

/** Whether a tensor is read once a run, because it stays on the device, or in every cycle over the stages. */
export type WeightUse = 'once' | 'cycle';

export interface ComponentWeights {
  /** Tells these values from any others: source, revision and format. Absent where nothing tells a file's versions. */
  readonly identity?: string;
  /** Bytes held in RAM now. */
  readonly ramBytes: number;
  /** The tensor `prefix + weight.source` as the graph input wants it. @param use Default `once`. */
  get(prefix: string, weight: WeightInput, use?: WeightUse): WeightData | Promise<WeightData>;
  /** Row `index` of a `[rows, columns]` table, as float32. */
  row(
    name: string,
    index: number,
    columns: number,
  ): Float32Array<ArrayBuffer> | Promise<Float32Array<ArrayBuffer>>;
}
