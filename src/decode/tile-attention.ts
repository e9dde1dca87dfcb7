/**
 * @file Self-attention over all pixels of a frame, in tiles: the softmax of a tile's queries is put together from one
 * tile of keys after another, by its running maximum, sum and product (Milakov & Gimelshein 2018; Rabe & Staats 2021).
 * What the device holds depends on the tile, not on the frame.
 */
import {
  add,
  exp,
  type Frames,
  type Graph,
  GraphBuilder,
  linear,
  mul,
  reduceMax,
  reduceSum,
  relu,
  reshape,
  slice,
  subtract,
  transpose,
  type Value,
} from '../graph/index.ts';
import type { DeviceTensor } from '../runtime/backend.ts';
import { output, type StageRunner } from '../runtime/stage-runner.ts';
import type { DecoderStage, HostFrames } from './decoder-plan.ts';
import { cutWindow, emptyFrames, pasteWindow } from './host-frames.ts';
import { type Size, type Tile, tilesOf } from './tile-grid.ts';

/** Below all scores. Far enough for scores to be nothing to it, near enough for float32 to tell them apart from it. */
const LOWEST = -1e6;
/** Added to the scores of keys that another tile owns. */
const HIDDEN = -1e9;

/**
 * One tile's queries against one tile's keys, single-headed. Inputs `x`, `keys` `[1, h, w, 3C]` (query, key and value of
 * each pixel), `hidden` `[h · w]` (added to a key's scores), and of the tiles of keys before: `max`, `sum` `[h · w, 1]`
 * and `product` `[1, h, w, C]`. Outputs those after: `next.max`, `next.sum` and `y`.
 */
export function tileAttentionGraph({ t, h, w, c: channels }: Frames): Graph {
  const c = channels / 3;
  const pixels = h * w;
  const g = new GraphBuilder(`attention of tiles ${h}x${w}x${c}`);
  const x = g.input('x', 'float32', [t, h, w, channels]);
  const keys = g.input('keys', 'float32', [t, h, w, channels]);
  if (t !== 1) g.fail('attention', 'one frame at a time', [x]);
  const part = (from: Value, index: number): Value =>
    reshape(g, slice(g, from, 3, index * c, (index + 1) * c), [pixels, c]);
  const hidden = g.input('hidden', 'float32', [pixels]);
  const max = g.input('max', 'float32', [pixels, 1]);
  const sum = g.input('sum', 'float32', [pixels, 1]);
  const product = reshape(g, g.input('product', 'float32', [1, h, w, c]), [pixels, c]);

  const scale = g.constant(Float32Array.of(1 / Math.sqrt(c)));
  const scores = linear(g, mul(g, part(x, 0), scale), part(keys, 1), hidden);
  // max(a, b) = a + relu(b − a): onnxruntime has no kernel of its own for the maximum of two tensors on WebGPU.
  const newMax = add(g, max, relu(g, subtract(g, reduceMax(g, scores), max)));
  const weights = exp(g, subtract(g, scores, newMax));
  const shrink = exp(g, subtract(g, max, newMax));
  const values = transpose(g, part(keys, 2), [1, 0]);
  g.output('next.max', newMax);
  g.output('next.sum', add(g, mul(g, sum, shrink), reduceSum(g, weights)));
  const newProduct = add(g, mul(g, product, shrink), linear(g, weights, values));
  g.output('y', reshape(g, newProduct, [1, h, w, c]));
  return g.build();
}

/** @param x Query, key and value of each pixel, `[1, H, W, 3C]`. @returns `[1, H, W, C]`. */
export async function attendInTiles(
  stage: DecoderStage,
  x: HostFrames,
  runner: StageRunner,
): Promise<HostFrames> {
  const { frame, window } = stage.grid;
  const [, , , channels = 0] = x.shape;
  const y = emptyFrames([1, frame.height, frame.width, channels / 3]);
  const tiles = tilesOf(stage.grid);
  for (const tile of tiles) {
    const queries = put(runner, x, tile, window);
    let state = startState(runner, window, channels / 3);
    for (const other of tiles) {
      const keys = put(runner, x, other, window);
      const hidden = runner.put('float32', [window.height * window.width], hide(other, window));
      const [outputs = {}] = await runner.run(stage, [{ x: queries, keys, hidden, ...state }]);
      runner.free(keys, hidden, ...Object.values(state));
      state = {
        max: output(outputs, 'next.max'),
        sum: output(outputs, 'next.sum'),
        product: output(outputs, 'y'),
      };
    }
    const data = await runner.backend.download(state.product);
    divideRows(data, await runner.backend.download(state.sum));
    runner.free(queries, ...Object.values(state));
    pasteWindow(y, { data, shape: [1, window.height, window.width, channels / 3] }, tile, 1);
  }
  return y;
}

type State = Record<'max' | 'sum' | 'product', DeviceTensor>;

function startState(runner: StageRunner, { height, width }: Size, channels: number): State {
  const rows = height * width;
  return {
    max: runner.put('float32', [rows, 1], new Float32Array(rows).fill(LOWEST)),
    sum: runner.zeros('float32', [rows, 1]),
    product: runner.zeros('float32', [1, height, width, channels]),
  };
}

function put(runner: StageRunner, x: HostFrames, tile: Tile, window: Size): DeviceTensor {
  const shape = [1, window.height, window.width, x.shape[3] ?? 0];
  return runner.put('float32', shape, cutWindow(x, tile, window));
}

/** So that every key counts once: those of a window that are its tile's own have 0. */
function hide({ rows, columns }: Tile, { height, width }: Size): Float32Array<ArrayBuffer> {
  const hidden = new Float32Array(height * width).fill(HIDDEN);
  for (let row = rows.from - rows.start; row < rows.to - rows.start; row++) {
    const start = row * width - columns.start;
    hidden.fill(0, start + columns.from, start + columns.to);
  }
  return hidden;
}

function divideRows(data: Float32Array, divisors: Float32Array): void {
  const width = data.length / divisors.length;
  for (const [row, divisor] of divisors.entries()) {
    for (let i = row * width; i < (row + 1) * width; i++) data[i] = (data[i] ?? 0) / divisor;
  }
}
