/** @file Weights for graphs whose numbers do not matter, as long as they are always the same. */
import { elementCount, type WeightInput } from '../graph/types.ts';
import type { WeightSource } from '../runtime/weight-provider.ts';

/** Equal numbers for equal names; scaled so that activations keep their size. float32 only. */
export class RandomWeights implements WeightSource {
  get(prefix: string, { name, shape }: WeightInput): Float32Array<ArrayBuffer> {
    const random = generator(`${prefix}${name}`);
    const fanIn = elementCount(shape.slice(1));
    const isNorm = name.endsWith('gamma');
    const scale = isNorm ? 0.2 : 1.7 / Math.sqrt(fanIn);
    const centre = isNorm ? 1 : 0;
    return Float32Array.from({ length: elementCount(shape) }, () => centre + scale * random());
  }
}

/** Numbers in [−1, 1), by xorshift. */
export function generator(seed: string): () => number {
  let state = 2166136261;
  for (const character of seed) {
    state = Math.imul(state ^ (character.codePointAt(0) ?? 0), 16777619);
  }
  state = state === 0 ? 1 : state;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state / 2 ** 31;
  };
}
