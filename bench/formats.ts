/** @file What storage formats cost in accuracy: on frames of the bundled model, on weights, and on one forward pass. */
import type { Precision } from '../src/graph/index.ts';
import type { WeightInput } from '../src/graph/types.ts';
import type { WeightsFormat } from '../src/pipeline/api.ts';
import { EnginePipeline } from '../src/pipeline/engine.ts';
import type { WeightSource } from '../src/runtime/weight-provider.ts';
import { ComponentFiles } from '../src/weights/component.ts';
import { toFloat16, toFloat32, type WeightData } from '../src/weights/convert.ts';
import { dequantizeFp8, quantizeFp8 } from '../src/weights/fp8.ts';
import { Q4, Q8, type QuantFormat } from '../src/weights/quantize-format.ts';
import { allocateQuantized, dequantize, quantizeRows } from '../src/weights/quantize.ts';
import type { BenchContext, Benchmark, Size } from './context.ts';
import { ErrorSum } from './error-sum.ts';
import { atMost } from './goals.ts';
import { RandomWeights } from './random-weights.ts';
import { LoadedWan, phaseNeeds, type WanShaped, wanShaped } from './wan-shaped.ts';

const MODEL = 'models/pocket';
/** For devices that take minutes for the model's default clip. */
const SMALL_CLIP = { width: 32, height: 32, numFrames: 5 };
const SMALL_STEPS: Record<Size, number> = { tiny: 1, small: 6, large: 14 };
/** Blocks of the random model whose weights are compared: they are all alike. */
const COMPARED_BLOCKS = 2;

/** Weights `[rows, columns]` to what a format makes of them. */
type Round = (weights: Float32Array<ArrayBuffer>, columns: number) => Float32Array<ArrayBuffer>;

const blockwise =
  (format: QuantFormat): Round =>
  (weights, columns) => {
    const target = allocateQuantized(format, weights.length / columns, columns, 'float32');
    quantizeRows(format, weights, columns, target);
    return dequantize(format, target, columns);
  };

const ROUND: Readonly<Record<'f16' | 'q8' | 'q4' | 'fp8', Round>> = {
  f16: (weights) => {
    const halves = toFloat16(weights);
    return toFloat32('weights', 'F16', new Uint8Array(halves.buffer));
  },
  q8: blockwise(Q8),
  q4: blockwise(Q4),
  fp8: (weights, columns) => dequantizeFp8(quantizeFp8(weights, columns), columns),
};

/** A random model's matrices after a round trip through a format. */
class RoundedWeights implements WeightSource {
  readonly #source: RandomWeights;
  readonly #round: Round;

  constructor(source: RandomWeights, round: Round) {
    this.#source = source;
    this.#round = round;
  }

  get(prefix: string, weight: WeightInput): WeightData {
    const data = this.#source.get(prefix, weight);
    const isMatrix = /^(attn|ffn)/.test(weight.source) && weight.shape.length === 2;
    return isMatrix && data instanceof Float32Array
      ? this.#round(data, weight.shape[1] ?? 1)
      : data;
  }
}

/** Final frames, without their alpha. */
async function frames(context: BenchContext, weights: WeightsFormat): Promise<Uint8Array> {
  context.log(`frames with ${weights}`);
  const { deviceChoice, gpu, device, size } = context;
  const isSmall = size === 'tiny' || device.isSoftware;
  const pipeline = await EnginePipeline.fromSource(await context.folder(MODEL), {
    device: deviceChoice,
    ...(gpu ? { gpu } : {}),
    memory: { weights },
  });
  try {
    const result = await pipeline.generate({
      prompt: 'a red ball moves right',
      seed: 7,
      ...(isSmall ? { ...SMALL_CLIP, numInferenceSteps: SMALL_STEPS[context.size] } : {}),
    });
    const bytes: number[] = [];
    for (const { rgba } of await result.frames()) {
      for (const [i, value] of rgba.entries()) if (i % 4 !== 3) bytes.push(value);
    }
    await result.dispose();
    return Uint8Array.from(bytes);
  } finally {
    await pipeline.dispose();
  }
}

async function compareFrames(context: BenchContext): Promise<void> {
  const expected = await frames(context, 'f32');
  for (const format of ['f16', 'q8', 'q4'] as const) {
    const sum = new ErrorSum().add(await frames(context, format), expected);
    context.row(`frames, ${format}, cosine`, sum.cosine, 'cosine');
    context.row(`frames, ${format}, error`, sum.relative, 'relative');
    context.row(`frames, ${format}, PSNR`, sum.psnr(255), 'dB');
  }
}

type Matrix = readonly [weights: Float32Array<ArrayBuffer>, columns: number];

/** The bundled model's trained matrices, as they are in its file. */
async function* trainedMatrices(context: BenchContext): AsyncGenerator<Matrix> {
  const files = await ComponentFiles.open(await context.folder(MODEL), 'transformer');
  for (const [name, tensor] of files.tensors) {
    if (!/^blocks\..*(attn|ffn)/.test(name) || tensor.shape.length !== 2) continue;
    yield [toFloat32(name, tensor.dtype, await files.read(tensor)), tensor.shape[1] ?? 1];
  }
}

async function* randomMatrices(wan: WanShaped, weights: RandomWeights): AsyncGenerator<Matrix> {
  const { stages } = phaseNeeds({ ...wan, precision: { linear: 'float32' } });
  const blocks = stages.filter(({ name }) => name.startsWith('blocks.'));
  for (const { graph, prefix } of blocks.slice(0, COMPARED_BLOCKS)) {
    for (const weight of graph.weights) {
      const data = weight.shape.length === 2 ? weights.get(prefix, weight) : undefined;
      if (data instanceof Float32Array) yield [data, weight.shape[1] ?? 1];
    }
  }
}

async function compareWeights(
  context: BenchContext,
  what: string,
  matrices: AsyncIterable<Matrix>,
): Promise<void> {
  context.log(`${what} weights`);
  const sums = Object.entries(ROUND).map(([format, round]) => ({
    format,
    round,
    sum: new ErrorSum(),
  }));
  for await (const [weights, columns] of matrices) {
    for (const { round, sum } of sums) sum.add(round(weights, columns), weights);
  }
  const errors = new Map(sums.map(({ format, sum }) => [format, sum.relative]));
  for (const [format, error] of errors) {
    context.row(`${what} weights, ${format}, error`, error, 'relative');
  }
  const ratio = (errors.get('q8') ?? Number.NaN) / (errors.get('fp8') ?? Number.NaN);
  context.row(`${what} weights, q8 / fp8`, ratio, 'ratio', atMost(1));
}

async function velocities(
  context: BenchContext,
  wan: WanShaped,
  weights: WeightSource,
  precision: Precision,
): Promise<Float32Array> {
  const backend = await context.open();
  try {
    const model = await LoadedWan.load(backend, weights, { ...wan, precision });
    const result = await model.step(1);
    await model.dispose();
    return result;
  } finally {
    await backend.dispose();
  }
}

/** One forward pass of a random model; what every format computes in is float32, so that only the weights differ. */
async function compareForward(
  context: BenchContext,
  wan: WanShaped,
  weights: RandomWeights,
): Promise<void> {
  const linear = 'float32';
  context.log('forward pass with f32');
  const expected = await velocities(context, wan, weights, { linear });
  const runs: readonly [string, WeightSource, Precision][] = [
    ['f16', new RoundedWeights(weights, ROUND.f16), { linear }],
    ['q8', weights, { linear, weights: Q8 }],
    ['q4', weights, { linear, weights: Q4 }],
    ['fp8', new RoundedWeights(weights, ROUND.fp8), { linear }],
  ];
  const errors = new Map<string, number>();
  for (const [format, source, precision] of runs) {
    context.log(`forward pass with ${format}`);
    const actual = await velocities(context, wan, source, precision);
    const sum = new ErrorSum().add(actual, expected);
    errors.set(format, sum.relative);
    context.row(`forward, ${format}, cosine`, sum.cosine, 'cosine');
    context.row(`forward, ${format}, error`, sum.relative, 'relative');
  }
  const ratio = (errors.get('q8') ?? Number.NaN) / (errors.get('fp8') ?? Number.NaN);
  context.row('forward, q8 / fp8', ratio, 'ratio', atMost(1));
}

async function run(context: BenchContext): Promise<void> {
  const wan = wanShaped(context.size === 'large' ? 'small' : context.size, context.device);
  const weights = new RandomWeights();
  await compareFrames(context);
  await compareWeights(context, 'trained', trainedMatrices(context));
  await compareWeights(context, 'random', randomMatrices(wan, weights));
  await compareForward(context, wan, weights);
}

export const formats: Benchmark = {
  title: 'what f16, q8 and q4 cost in accuracy, and q8 against FP8',
  run,
};
