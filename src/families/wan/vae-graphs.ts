/**
 * @file The graphs of the Wan VAE's decoder, in both published forms: 2.1, and 2.2 with residual shortcuts and patches.
 * Reference: diffusers `AutoencoderKLWan`. Activations are frames `[T, H, W, C]`, float32. Every causal convolution
 * takes the two frames before its input as `cache.i` and gives those for the next call as `next.i`, which makes decoding
 * one latent frame at a time exact.
 */
import {
  add,
  attention,
  causalConv3d,
  channelsToFrames,
  conv2d,
  type Frames,
  framesOf,
  type Graph,
  GraphBuilder,
  linear,
  linearLayer,
  repeatChannels,
  reshape,
  rmsNorm,
  silu,
  slice,
  transpose,
  upsampleNearest2x,
  type Value,
} from '../../graph/index.ts';

/** x / max(‖x‖, 1e-12) · √C · γ over channels is an RMS norm with next to no epsilon. */
const NORM_EPSILON = 1e-20;

const CUBE = { t: 3, h: 3, w: 3 };

/** Frames that a causal convolution with a temporal kernel of three carries. */
export const CACHE_FRAMES = 2;

/** Numbers caches in the order in which a graph's convolutions run. */
class CausalConvs {
  readonly #g: GraphBuilder;
  #count = 0;

  constructor(g: GraphBuilder) {
    this.#g = g;
  }

  /** Declares the cache's input and output around one convolution. */
  apply(x: Value, name: string, outChannels: number, kernel = CUBE): Value {
    const g = this.#g;
    const { h, w, c } = framesOf(g, x);
    const index = this.#count++;
    const cache = g.input(`cache.${index}`, 'float32', [kernel.t - 1, h, w, c]);
    const result = causalConv3d(g, x, cache, name, outChannels, kernel);
    g.output(`next.${index}`, result.cache);
    return result.value;
  }
}

function input(g: GraphBuilder, name: string, { t, h, w, c }: Frames): Value {
  return g.input(name, 'float32', [t, h, w, c]);
}

/** @param ones Trailing 1-axes of γ in the checkpoint: 3 before causal convolutions, 2 before attention. */
function channelNorm(g: GraphBuilder, x: Value, name: string, ones: 2 | 3): Value {
  const { c } = framesOf(g, x);
  const source = { shape: [c, ...Array.from({ length: ones }, () => 1)] };
  return rmsNorm(g, x, g.weight(`${name}.gamma`, 'float32', [c], source), NORM_EPSILON);
}

function label(kind: string, { t, h, w, c }: Frames): string {
  return `wan vae ${kind} ${t}x${h}x${w}x${c}`;
}

/** Latents into the decoder: 1×1×1 `post_quant_conv`, then `decoder.conv_in`. Input `x`, output `y`. */
export function convInGraph(frames: Frames, outChannels: number): Graph {
  const g = new GraphBuilder(label('conv in', frames));
  const x = input(g, 'x', frames);
  const quantized = linearLayer(g, x, 'post_quant_conv', frames.c, { sourceOnes: 3 });
  g.output('y', new CausalConvs(g).apply(quantized, 'decoder.conv_in', outChannels));
  return g.build();
}

/** Two normed, activated causal convolutions around a shortcut. Input `x`, output `y`. */
export function resnetGraph(frames: Frames, outChannels: number): Graph {
  const g = new GraphBuilder(label(`resnet ${outChannels}`, frames));
  const x = input(g, 'x', frames);
  const convs = new CausalConvs(g);
  const first = convs.apply(silu(g, channelNorm(g, x, 'norm1', 3)), 'conv1', outChannels);
  const second = convs.apply(silu(g, channelNorm(g, first, 'norm2', 3)), 'conv2', outChannels);
  const shortcut =
    frames.c === outChannels
      ? x
      : linearLayer(g, x, 'conv_shortcut', outChannels, { sourceOnes: 3 });
  g.output('y', add(g, second, shortcut));
  return g.build();
}

/**
 * Query, key and value of each pixel, `[T, H, W, 3C]`, for self-attention over the pixels of each frame. Input `x`, output
 * `y`.
 */
export function midQueriesGraph(frames: Frames): Graph {
  const { c } = frames;
  const g = new GraphBuilder(label('queries', frames));
  const normed = channelNorm(g, input(g, 'x', frames), 'norm', 2);
  g.output('y', linearLayer(g, normed, 'to_qkv', 3 * c, { sourceOnes: 2 }));
  return g.build();
}

/** What follows the attention itself. Inputs `x` and `skip` (the block's input), output `y`. */
export function midProjectionGraph(frames: Frames): Graph {
  const g = new GraphBuilder(label('projection', frames));
  const projected = linearLayer(g, input(g, 'x', frames), 'proj', frames.c, { sourceOnes: 2 });
  g.output('y', add(g, input(g, 'skip', frames), projected));
  return g.build();
}

/** The whole block: single-head self-attention over the pixels of each frame. Input `x`, output `y`. */
export function midAttentionGraph(frames: Frames): Graph {
  const { t, h, w, c } = frames;
  const g = new GraphBuilder(label('attention', frames));
  const x = input(g, 'x', frames);
  const normed = reshape(g, channelNorm(g, x, 'norm', 2), [t, h * w, c]);
  const weight = g.weight('to_qkv.weight', 'float32', [3 * c, c], { shape: [3 * c, c, 1, 1] });
  const bias = g.weight('to_qkv.bias', 'float32', [3 * c]);
  // Three layers: the one layer's output, and its parts cut out, would be the largest tensors.
  const third = (index: number): Value =>
    linear(
      g,
      normed,
      slice(g, weight, 0, index * c, (index + 1) * c),
      slice(g, bias, 0, index * c, (index + 1) * c),
    );
  const attended = attention(g, third(0), third(1), third(2), 1);
  const projected = linearLayer(g, attended, 'proj', c, { sourceOnes: 2 });
  g.output('y', add(g, x, reshape(g, projected, [t, h, w, c])));
  return g.build();
}

export interface UpsampleSpec {
  readonly outChannels: number;
  /** Doubles the frames, except of the first latent frame, which stands for one frame only. */
  readonly temporal: boolean;
  readonly isFirst: boolean;
  /** Channels of the block's input, whose copy joins the result (2.2 form); absent in the 2.1 form. */
  readonly shortcutChannels?: number;
}

/**
 * Doubles height and width, and with `temporal` the frames. Inputs `x` and, with a shortcut, `skip` (the block's input);
 * output `y`.
 */
export function upsampleGraph(frames: Frames, spec: UpsampleSpec): Graph {
  const { t, h, w, c } = frames;
  const { outChannels, temporal, isFirst, shortcutChannels } = spec;
  const kind = `upsample ${outChannels} ${temporal} ${isFirst} ${shortcutChannels ?? ''}`;
  const g = new GraphBuilder(label(kind, frames));
  let x = input(g, 'x', frames);
  if (temporal && !isFirst) {
    const doubled = new CausalConvs(g).apply(x, 'time_conv', 2 * c, { t: 3, h: 1, w: 1 });
    // Channel `half · C + c` of frame t is channel c of frame 2t + half.
    const apart = transpose(g, reshape(g, doubled, [t, h * w, 2, c]), [0, 2, 1, 3]);
    x = reshape(g, apart, [2 * t, h, w, c]);
  }
  const weight = g.weight('resample.1.weight', 'float32', [outChannels, c, 3, 3]);
  const bias = g.weight('resample.1.bias', 'float32', [outChannels]);
  let y = conv2d(g, upsampleNearest2x(g, x), weight, bias);
  if (shortcutChannels !== undefined) {
    const skip = input(g, 'skip', { t, h, w, c: shortcutChannels });
    y = add(g, y, duplicateUp(g, skip, outChannels, temporal ? 2 : 1, isFirst));
  }
  g.output('y', y);
  return g.build();
}

/** Copies channels into the new pixels and frames (diffusers `DupUp3D`). */
function duplicateUp(
  g: GraphBuilder,
  x: Value,
  outChannels: number,
  factorT: number,
  isFirst: boolean,
): Value {
  const { c } = framesOf(g, x);
  const copies = (outChannels * factorT * 4) / c;
  if (!Number.isInteger(copies)) g.fail('DupUp3D', `${outChannels} channels do not divide`, [x]);
  const grown = channelsToFrames(g, repeatChannels(g, x, copies), factorT, 2);
  // Of the first latent frame only the last of its copies in time is a frame.
  return isFirst ? slice(g, grown, 0, factorT - 1, framesOf(g, grown).t) : grown;
}

/** Norm, activation, last convolution, patches to pixels. Input `x`, output `y` `[T, H, W, 3]`, not limited to [−1, 1]. */
export function convOutGraph(frames: Frames, outChannels: number, patchSize: number): Graph {
  const g = new GraphBuilder(label(`conv out ${outChannels} ${patchSize}`, frames));
  const x = input(g, 'x', frames);
  const activated = silu(g, channelNorm(g, x, 'norm_out', 3));
  const convolved = new CausalConvs(g).apply(activated, 'conv_out', outChannels);
  g.output('y', patchesToPixels(g, convolved, patchSize));
  return g.build();
}

/** Channel `(c · p + column) · p + row` goes to pixel `(y · p + row, x · p + column)`. */
function patchesToPixels(g: GraphBuilder, x: Value, p: number): Value {
  if (p === 1) return x;
  const { t, h, w, c } = framesOf(g, x);
  const apart = reshape(g, x, [t * h, w, c / (p * p), p, p]);
  const moved = transpose(g, apart, [0, 4, 1, 3, 2]);
  return reshape(g, moved, [t, h * p, w * p, c / (p * p)]);
}
