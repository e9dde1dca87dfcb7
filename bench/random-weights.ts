/**
 * @file Weights of a model that nobody trained: every tensor is a stretch of one block of normal numbers, chosen by the
 * tensor's name and scaled so that activations keep their size through the layers. Kept once made, like weights in RAM.
 */
import { elementCount, type WeightInput } from '../src/graph/types.ts';
import { randn } from '../src/pipeline/noise.ts';
import type { WeightSource } from '../src/runtime/weight-provider.ts';
import { toFloat16, type WeightData } from '../src/weights/convert.ts';
import { allocateQuantized, quantizeRows } from '../src/weights/quantize.ts';

/** A prime, so that rows of a matrix do not repeat. */
const BLOCK_LENGTH = 1_048_573;
let block: Float32Array | undefined;

/** The tensor of that name, float32. */
export function randomTensor(name: string, shape: readonly number[]): Float32Array<ArrayBuffer> {
  block ??= randn(BLOCK_LENGTH, 1);
  const { mean, deviation } = distribution(name, shape);
  const data = new Float32Array(elementCount(shape));
  let at = hash(name) % BLOCK_LENGTH;
  for (let i = 0; i < data.length; i++) {
    data[i] = mean + deviation * (block[at] ?? 0);
    at = at + 1 === BLOCK_LENGTH ? 0 : at + 1;
  }
  return data;
}

/** Norms are about one, biases about zero, and matrices keep the variance of what they multiply. */
export function distribution(
  name: string,
  shape: readonly number[],
): { mean: number; deviation: number } {
  if (/norm[^.]*\.weight$/.test(name)) return { mean: 1, deviation: 0.1 };
  if (shape.length === 1) return { mean: 0, deviation: 0.02 };
  return { mean: 0, deviation: 1 / Math.sqrt(elementCount(shape.slice(1))) };
}

function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) {
    value = Math.imul(value ^ text.charCodeAt(i), 0x01000193) >>> 0;
  }
  return value;
}

export class RandomWeights implements WeightSource {
  readonly #made = new Map<string, WeightData>();

  get(prefix: string, weight: WeightInput): WeightData {
    const { name, dtype, packing } = weight;
    const storage = typeof packing === 'string' ? dtype : `${dtype} of ${packing.format.bits} bits`;
    const key = `${prefix}${name}: ${storage}`;
    let data = this.#made.get(key);
    if (!data) {
      data = make(prefix + weight.source, weight);
      this.#made.set(key, data);
    }
    return data;
  }
}

function make(name: string, { dtype, sourceShape, packing }: WeightInput): WeightData {
  const values = randomTensor(name, sourceShape);
  if (typeof packing === 'string') return dtype === 'float16' ? toFloat16(values) : values;
  const { format, part } = packing;
  const [rows = 1, columns = 1] = sourceShape;
  const scaleDtype = part === 'scales' && dtype === 'float16' ? 'float16' : 'float32';
  const quantized = allocateQuantized(format, rows, columns, scaleDtype);
  quantizeRows(format, values, columns, quantized);
  return quantized[part];
}
