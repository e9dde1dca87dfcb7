/**
 * @file A Wan-shaped transformer of any size with random weights, drawn whenever they are asked for: for tests of memory,
 * which need many and large layers and none of their meaning.
 */
import type { WanTransformerConfig } from '../families/wan/config.ts';
import type { TransformerShape } from '../families/wan/transformer.ts';
import { elementCount, type WeightInput } from '../graph/types.ts';
import type { WeightSource } from '../runtime/weight-provider.ts';

export interface SyntheticSize {
  readonly layers: number;
  readonly heads: number;
  readonly headDim: number;
  /** Of video: the latents are one frame, two rows high. */
  readonly tokens: number;
  readonly textTokens: number;
}

/** In the proportions of the published Wans: a feed-forward of four widths, patches of 1×2×2. */
export function syntheticWan(size: SyntheticSize): {
  config: WanTransformerConfig;
  shape: TransformerShape;
} {
  const { layers, heads, headDim, tokens, textTokens } = size;
  const width = heads * headDim;
  return {
    config: {
      patchSize: [1, 2, 2],
      numAttentionHeads: heads,
      attentionHeadDim: headDim,
      inChannels: 16,
      outChannels: 16,
      textDim: 2 * width,
      freqDim: 256,
      ffnDim: 4 * width,
      numLayers: layers,
      crossAttnNorm: true,
      eps: 1e-6,
      ropeMaxSeqLen: 1024,
    },
    shape: { latents: { channels: 16, frames: 1, height: 2, width: 2 * tokens }, textTokens },
  };
}

/** A tensor depends on its name alone, so that reading it again gives the same. float32 only. */
export class RandomWeights implements WeightSource {
  /** Given so far. */
  bytesRead = 0;

  get(prefix: string, weight: WeightInput): Float32Array<ArrayBuffer> {
    if (weight.dtype !== 'float32') throw new Error(`random ${weight.dtype}`);
    const name = prefix + weight.name;
    // Around 1 for norms; small enough elsewhere that activations neither grow nor vanish.
    const isNorm = /norm[^.]*\.weight$/.test(name);
    const [offset, scale] = isNorm ? [1, 0.1] : [0, 1 / Math.sqrt(weight.shape.at(-1) ?? 1)];
    const data = new Float32Array(elementCount(weight.shape));
    // Xorshift (Marsaglia 2003).
    let state = 1;
    for (let i = 0; i < name.length; i++) state = (Math.imul(state, 31) + name.charCodeAt(i)) | 1;
    for (let i = 0; i < data.length; i++) {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      data[i] = offset + (scale * state) / 2 ** 31;
    }
    this.bytesRead += data.byteLength;
    return data;
  }
}
