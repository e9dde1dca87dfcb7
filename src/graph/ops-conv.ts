/** @file Convolutions and resampling over frames: `[T, H, W, C]`, channels last, so that norms and 1×1 layers need no transposition. */
import type { GraphBuilder } from './builder.ts';
import { first } from './ops-elementwise.ts';
import { concat, expand, reshape, slice, transpose } from './ops-shape.ts';
import { bufferBytes, type Value } from './types.ts';

export interface Frames {
  readonly t: number;
  readonly h: number;
  readonly w: number;
  readonly c: number;
}

/** The four axes of a `[T, H, W, C]` value. */
export function framesOf(g: GraphBuilder, x: Value): Frames {
  const [t, h, w, c] = x.shape;
  if (x.shape.length !== 4 || !t || !h || !w || !c) g.fail('frames', 'not [T, H, W, C]', [x]);
  return { t, h, w, c };
}

/**
 * Convolution of each frame, stride 1, zero padding that keeps the size.
 * @param x `[T, H, W, C]`; @param weight `[O, C, k, k]`, k odd; @param bias `[O]`, or absent.
 */
export function conv2d(g: GraphBuilder, x: Value, weight: Value, bias?: Value): Value {
  const { t, h, w, c } = framesOf(g, x);
  const [outChannels, inChannels, kh, kw] = weight.shape;
  const isWeight = weight.shape.length === 4 && inChannels === c;
  if (!isWeight || !outChannels || !kh || !kw || kh % 2 === 0 || kw % 2 === 0) {
    g.fail('Conv', 'weight must be [O, C, k, k] with k odd', [x, weight]);
  }
  if (bias && (bias.shape.length !== 1 || bias.shape[0] !== outChannels)) {
    g.fail('Conv', 'bias must be [O]', [x, weight, bias]);
  }
  if (c % 4 !== 0 && outChannels % 4 === 0) {
    // onnxruntime's WebGPU kernel is wrong for just this mix of vector widths (docs/decisions/0001).
    const extra = 4 - (c % 4);
    const zeros = (shape: Value['shape']): Value =>
      expand(g, g.constant(new Float32Array(1), [1, 1, 1, 1]), shape);
    const paddedX = concat(g, [x, zeros([t, h, w, extra])], 3);
    return conv2d(g, paddedX, concat(g, [weight, zeros([outChannels, extra, kh, kw])], 1), bias);
  }
  const pads = [kh >> 1, kw >> 1, kh >> 1, kw >> 1].map(BigInt);
  const channelsFirst = transpose(g, x, [0, 3, 1, 2]);
  const output = { dtype: x.dtype, shape: [t, outChannels, h, w] };
  const convolved = first(
    g.node('Conv', [channelsFirst, weight, ...(bias ? [bias] : [])], [output], {
      attributes: { kernel_shape: [BigInt(kh), BigInt(kw)], pads },
      flops: 2 * t * h * w * outChannels * c * kh * kw,
      // WebGPU's kernel wants the weight in another order, and a weight that is an input is reordered at every run.
      kernelBuffers: [bufferBytes(weight.dtype, weight.shape)],
    }),
  );
  return transpose(g, convolved, [0, 2, 3, 1]);
}

/**
 * Causal 3-D convolution with the frames before `x` carried in `cache`. Frames under the temporal kernel are stacked on
 * the channel axis, so one 2-D convolution does the whole sum.
 * @param x `[T, H, W, C]`; @param cache `[kt − 1, H, W, C]`, zeros before the first frame.
 * @returns the convolution, and the cache for the frames that follow.
 */
export function causalConv3d(
  g: GraphBuilder,
  x: Value,
  cache: Value,
  name: string,
  outChannels: number,
  kernel: { t: number; h: number; w: number },
): { value: Value; cache: Value } {
  const { t, c } = framesOf(g, x);
  const padded = concat(g, [cache, x], 0);
  const stacked = concat(
    g,
    Array.from({ length: kernel.t }, (_, tap) => slice(g, padded, 0, tap, tap + t)),
    3,
  );
  const weight = g.weight(
    `${name}.weight`,
    'float32',
    [outChannels, kernel.t * c, kernel.h, kernel.w],
    { shape: [outChannels, c, kernel.t, kernel.h, kernel.w], packing: 'fold-time' },
  );
  const bias = g.weight(`${name}.bias`, 'float32', [outChannels]);
  return {
    value: conv2d(g, stacked, weight, bias),
    cache: slice(g, padded, 0, t, t + kernel.t - 1),
  };
}

/** Nearest-neighbour doubling of height and width. */
export function upsampleNearest2x(g: GraphBuilder, x: Value): Value {
  const { t, h, w, c } = framesOf(g, x);
  const apart = reshape(g, x, [t * h, 1, w, 1, c]);
  return reshape(g, expand(g, apart, [t * h, 2, w, 2, c]), [t, 2 * h, 2 * w, c]);
}

/**
 * Channels to pixels and frames: channel `((o · ft + a) · fs + b) · fs + d` of frame t goes to channel `o` of pixel
 * `(y · fs + b, x · fs + d)` of frame `t · ft + a`.
 */
export function channelsToFrames(
  g: GraphBuilder,
  x: Value,
  factorT: number,
  factorS: number,
): Value {
  const { t, h, w, c } = framesOf(g, x);
  const out = c / (factorT * factorS * factorS);
  if (!Number.isInteger(out)) g.fail('channelsToFrames', 'channels do not divide', [x]);
  const apart = reshape(g, x, [t, h, w, out, factorT, factorS, factorS]);
  const moved = transpose(g, apart, [0, 4, 1, 5, 2, 6, 3]);
  return reshape(g, moved, [t * factorT, h * factorS, w * factorS, out]);
}

/** Each channel `times` over, copies adjacent: torch's `repeat_interleave` on the channel axis. */
export function repeatChannels(g: GraphBuilder, x: Value, times: number): Value {
  const { t, h, w, c } = framesOf(g, x);
  const apart = reshape(g, x, [t * h * w, c, 1]);
  return reshape(g, expand(g, apart, [t * h * w, c, times]), [t, h, w, c * times]);
}
