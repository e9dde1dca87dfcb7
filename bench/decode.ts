/** @file What the decoder holds: the same for a clip of any length and, in tiles, for a frame of any size. */
import { decode } from '../src/decode/decode.ts';
import { latentFrames } from '../src/decode/latent-frames.ts';
import type { ModelCheckpoint } from '../src/families/family.ts';
import { openCheckpoint } from '../src/families/open-checkpoint.ts';
import { randn } from '../src/pipeline/noise.ts';
import type { Backend } from '../src/runtime/backend.ts';
import { StageRunner } from '../src/runtime/stage-runner.ts';
import type { ComponentWeights } from '../src/weights/component-weights.ts';
import type { BenchContext, Benchmark, Size } from './context.ts';
import { atMost } from './goals.ts';
import { largestDifference } from './measure.ts';

const MODEL = 'models/pocket';
const FRAMES = [17, 65, 257];
/** Pixels a side. Areas are this squared, twice and four times that. */
const SIDES: Record<Size, { clip: number; base: number; tile: number }> = {
  tiny: { clip: 16, base: 64, tile: 32 },
  small: { clip: 16, base: 64, tile: 32 },
  large: { clip: 256, base: 512, tile: 256 },
};
const TILED_FRAMES = 5;
/** How much a peak may differ from another that should be the same. */
const TOLERANCE = 1.02;

interface Clip {
  readonly width: number;
  readonly height: number;
  readonly numFrames: number;
  readonly tile?: number;
}

interface Decoded {
  readonly peakBytes: number;
  /** Of all pictures, one after the other. */
  readonly pixels: Float32Array;
}

class Decoder {
  readonly #backend: Backend;
  readonly #checkpoint: ModelCheckpoint;
  readonly #weights: ComponentWeights;

  constructor(backend: Backend, checkpoint: ModelCheckpoint, weights: ComponentWeights) {
    this.#backend = backend;
    this.#checkpoint = checkpoint;
    this.#weights = weights;
  }

  async decode({ tile, ...size }: Clip): Promise<Decoded> {
    const checkpoint = this.#checkpoint;
    const shape = checkpoint.latentShape(size);
    const area = shape.height * shape.width;
    const latents = randn(shape.channels * shape.frames * area, 3);
    const inputs = latentFrames(checkpoint, latents, shape);
    const plan = checkpoint.decoderPlan(shape, tile);
    this.#backend.ledger.resetPeak();
    const runner = new StageRunner(this.#backend, this.#weights, { kind: 'decode' });
    const pictures: Float32Array[] = [];
    try {
      for await (const { data } of decode(plan, inputs, runner)) pictures.push(data);
      return { peakBytes: this.#backend.ledger.read().peakBytes, pixels: joined(pictures) };
    } finally {
      await runner.dispose();
    }
  }
}

function joined(parts: readonly Float32Array[]): Float32Array {
  const whole = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

async function run(context: BenchContext): Promise<void> {
  const checkpoint = await openCheckpoint(await context.folder(MODEL));
  const weights = await checkpoint.fetch('vae', { linear: 'float32' });
  const { clip, base, tile } = SIDES[context.size];
  /**
   * Decodes clips whose stages have the same graphs, on a device of their own: what sessions for other sizes keep for
   * themselves would count in these peaks. Clips of other areas have other graphs even in tiles, as attention sees the
   * whole frame.
   */
  const measure = async (clips: readonly Clip[]): Promise<Decoded[]> => {
    const backend = await context.open();
    const decoder = new Decoder(backend, checkpoint, weights);
    const results: Decoded[] = [];
    try {
      for (const request of clips) {
        const { width, height, numFrames } = request;
        const cut = request.tile === undefined ? 'whole' : `in tiles of ${request.tile}`;
        context.log(`${numFrames} frames of ${width} × ${height}, ${cut}`);
        results.push(await decoder.decode(request));
      }
      return results;
    } finally {
      await backend.dispose();
    }
  };

  const lengths = await measure(
    FRAMES.map((numFrames) => ({ width: clip, height: clip, numFrames })),
  );
  const shortest = lengths[0]?.peakBytes ?? Number.NaN;
  for (const [i, { peakBytes }] of lengths.entries()) {
    context.row(`peak, ${FRAMES[i]} frames`, peakBytes / 1e6, 'MB');
    const name = `peak, ${FRAMES[i]} / ${FRAMES[0]} frames`;
    if (i > 0) context.row(name, peakBytes / shortest, 'ratio', atMost(TOLERANCE));
  }

  const square = { width: base, height: base, numFrames: TILED_FRAMES };
  const [whole] = await measure([square]);
  const [tiled] = await measure([{ ...square, tile }]);
  const [twice] = await measure([{ ...square, width: 2 * base, tile }]);
  const [fourTimes] = await measure([{ ...square, width: 2 * base, height: 2 * base, tile }]);
  if (!whole || !tiled || !twice || !fourTimes) throw new Error('a clip was not decoded');
  context.row('peak, whole frames', whole.peakBytes / 1e6, 'MB');
  context.row('peak, tiles', tiled.peakBytes / 1e6, 'MB');
  const growth = (larger: Decoded): number => larger.peakBytes / tiled.peakBytes;
  context.row('peak in tiles, 2 × the area', growth(twice), 'ratio', atMost(TOLERANCE));
  context.row('peak in tiles, 4 × the area', growth(fourTimes), 'ratio', atMost(TOLERANCE));
  const difference = largestDifference(tiled.pixels, whole.pixels);
  context.row('tiles against whole, largest difference', difference, 'ratio', atMost(1e-4));
}

export const decoding: Benchmark = {
  title: 'memory of the decoder, by frames and by area, and tiles against whole frames',
  run,
};
