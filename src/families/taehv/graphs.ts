/**
 * @file The graphs of TAEHV's decoder, for one latent frame. Activations are frames `[T, H, W, C]`, float32. A memory block
 * sees its own input of the frame before: `cache.0` holds that of the last frame before `x`, `next.0` gives it for the next
 * call, so decoding one latent frame at a time equals decoding all at once.
 */
import {
  add,
  addScalar,
  channelsToFrames,
  concat,
  conv2d,
  type Frames,
  framesOf,
  type Graph,
  GraphBuilder,
  linear,
  mul,
  relu,
  reshape,
  slice,
  softClamp,
  transpose,
  upsampleNearest2x,
  type Value,
} from '../../graph/index.ts';
import { FIRST, LAST, type Level } from './layout.ts';

/** Latents are bent to within ±3 before anything else. */
const LATENT_LIMIT = 3;

/** What a level makes of each frame of its blocks. */
export interface Growth {
  /** Frames that the checkpoint's layer makes of one. */
  readonly factor: number;
  /** Whether only the last of them is wanted: at a clip's beginning, and in a preview. */
  readonly lastOnly: boolean;
  /** Whether height and width double. */
  readonly doubles: boolean;
}

function start(kind: string, { t, h, w, c }: Frames): { g: GraphBuilder; x: Value } {
  const g = new GraphBuilder(`taehv ${kind} ${t}x${h}x${w}x${c}`);
  return { g, x: g.input('x', 'float32', [t, h, w, c]) };
}

function conv(g: GraphBuilder, x: Value, name: string, out: number, bias = true): Value {
  const { c } = framesOf(g, x);
  const weight = g.weight(`${name}.weight`, 'float32', [out, c, 3, 3]);
  return conv2d(g, x, weight, bias ? g.weight(`${name}.bias`, 'float32', [out]) : undefined);
}

/** Latents, as the denoiser makes them, to the first features. Input `x`, output `y`. */
export function firstGraph(frames: Frames, out: number): Graph {
  const { g, x } = start(`first ${out}`, frames);
  g.output('y', relu(g, conv(g, softClamp(g, x, LATENT_LIMIT), `${FIRST}`, out)));
  return g.build();
}

/** Three convolutions of a frame and the frame before it, around a shortcut. Inputs `x` and `cache.0`, output `y`. */
export function memoryBlockGraph(frames: Frames): Graph {
  const { t, h, w, c } = frames;
  const { g, x } = start('memory block', frames);
  const cache = g.input('cache.0', 'float32', [1, h, w, c]);
  const before = t === 1 ? cache : concat(g, [cache, slice(g, x, 0, 0, t - 1)], 0);
  const first = relu(g, conv(g, concat(g, [x, before], 3), 'conv.0', c));
  const second = relu(g, conv(g, first, 'conv.2', c));
  g.output('y', relu(g, add(g, conv(g, second, 'conv.4', c), x)));
  g.output('next.0', slice(g, x, 0, t - 1, t));
  return g.build();
}

/**
 * A layer's frames before they are upsampled, which is less work than after and comes to the same: `[T, H, W, f · C]` with
 * the new frames one after the other on the channel axis, or `[T, H, W, C]` with the last of them.
 */
function grow(g: GraphBuilder, x: Value, name: string, { factor, lastOnly }: Growth): Value {
  const { c } = framesOf(g, x);
  const ones = { shape: [factor * c, c, 1, 1] };
  const weight = g.weight(`${name}.conv.weight`, 'float32', [factor * c, c], ones);
  const isPart = lastOnly && factor > 1;
  return linear(g, x, isPart ? slice(g, weight, 0, (factor - 1) * c, factor * c) : weight);
}

/** From one level to the next: more frames, more pixels, other channels. Input `x`, output `y`. */
export function levelGraph(frames: Frames, level: Level, growth: Growth, out: number): Graph {
  const { t, h, w, c } = frames;
  const { factor, lastOnly, doubles } = growth;
  const { g, x } = start(`level ${level.conv} ${out} ${factor} ${lastOnly} ${doubles}`, frames);
  let y = grow(g, x, `${level.grow}`, growth);
  if (factor > 1 && !lastOnly) {
    // Channel `i · C + c` of frame t is channel c of frame `t · factor + i`.
    const apart = transpose(g, reshape(g, y, [t, h * w, factor, c]), [0, 2, 1, 3]);
    y = reshape(g, apart, [t * factor, h, w, c]);
  }
  if (doubles) y = upsampleNearest2x(g, y);
  g.output('y', conv(g, y, `${level.conv}`, out, false));
  return g.build();
}

export interface PicturesSpec extends Growth {
  /** Channels between the last two convolutions. */
  readonly width: number;
  readonly patchSize: number;
  /** Whether only the last of all frames is wanted, as at the beginning of a clip. */
  readonly isFirst: boolean;
}

/**
 * The last level, and on to pictures `y` `[T, H, W, 3]`, not limited to [−1, 1]. One frame after the other, since at this size all at
 * once would be by far the largest tensors of the decode.
 */
export function picturesGraph(frames: Frames, level: Level, spec: PicturesSpec): Graph {
  const { t, c } = frames;
  const { factor, lastOnly, doubles, width, patchSize, isFirst } = spec;
  const kind = `pictures ${width} ${patchSize} ${factor} ${lastOnly} ${doubles} ${isFirst}`;
  const { g, x } = start(kind, frames);
  const growth = { ...spec, lastOnly: lastOnly || isFirst };
  const wanted = isFirst && t > 1 ? slice(g, x, 0, t - 1, t) : x;
  const grown = grow(g, wanted, `${level.grow}`, growth);
  const count = growth.lastOnly ? 1 : factor;
  const pictures: Value[] = [];
  for (let frame = 0; frame < framesOf(g, wanted).t; frame++) {
    for (let i = 0; i < count; i++) {
      const each = slice(g, slice(g, grown, 0, frame, frame + 1), 3, i * c, (i + 1) * c);
      const sized = doubles ? upsampleNearest2x(g, each) : each;
      const features = relu(g, conv(g, sized, `${level.conv}`, width, false));
      const pixels = conv(g, features, `${LAST}`, 3 * patchSize ** 2);
      pictures.push(patchSize > 1 ? channelsToFrames(g, pixels, 1, patchSize) : pixels);
    }
  }
  const [only] = pictures;
  const all = pictures.length === 1 && only ? only : concat(g, pictures, 0);
  // Pixels come in [0, 1].
  const doubled = mul(g, all, g.constant(Float32Array.of(2)));
  g.output('y', addScalar(g, doubled, -1));
  return g.build();
}
