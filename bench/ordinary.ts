/** @file Stages against the ordinary way: the same transformer as one onnxruntime session with its weights inside. */
import type { Backend } from '../src/runtime/backend.ts';
import type { BenchContext, Benchmark, Size } from './context.ts';
import { atMost } from './goals.ts';
import { interleaved, largestDifference, seconds } from './measure.ts';
import { ordinaryGraph, OrdinaryWan } from './ordinary-wan.ts';
import { RandomWeights } from './random-weights.ts';
import { LoadedWan, wanShaped } from './wan-shaped.ts';

const ROUNDS: Record<Size, number> = { tiny: 1, small: 3, large: 9 };

interface Model {
  step(): Promise<Float32Array>;
}

interface Loaded<T extends Model> {
  readonly model: T;
  readonly loadSeconds: number;
  readonly firstSeconds: number;
  readonly velocities: Float32Array;
  readonly peakBytes: number;
}

/** Loads, makes the first step, which compiles, and reads what that took at the most. */
async function start<T extends Model>(
  backend: Backend,
  load: () => Promise<T>,
): Promise<Loaded<T>> {
  let model: T | undefined;
  const loadSeconds = await seconds(async () => {
    model = await load();
  });
  if (!model) throw new Error('nothing was loaded');
  const loaded = model;
  let velocities: Float32Array = new Float32Array();
  const firstSeconds = await seconds(async () => {
    velocities = await loaded.step();
  });
  const { peakBytes } = backend.ledger.read();
  return { model: loaded, loadSeconds, firstSeconds, velocities, peakBytes };
}

async function run(context: BenchContext): Promise<void> {
  const wan = wanShaped(context.size, context.device);
  const weights = new RandomWeights();
  // Two devices of one adapter, so that each way has a ledger and compiled kernels of its own.
  const [ours, theirs] = [await context.open(), await context.open()];
  try {
    context.log('one session with all weights inside');
    const graph = ordinaryGraph(wan, weights);
    const ordinary = await start(theirs, () => OrdinaryWan.load(theirs, graph, wan));
    context.log('stages');
    const staged = await start(ours, () => LoadedWan.load(ours, weights, wan));
    context.log('steps, in turn');
    const [ordinaryStep = 0, stagedStep = 0] = await interleaved(
      [() => ordinary.model.step(), () => staged.model.step()],
      ROUNDS[context.size],
    );
    const isGpu = context.device.device === 'webgpu';
    context.row('step, stages', stagedStep, 's');
    context.row('step, one session', ordinaryStep, 's');
    context.row('step, stages / one session', stagedStep / ordinaryStep, 'ratio', atMost(1.05));
    context.row('load, stages', staged.loadSeconds, 's');
    context.row('load, one session', ordinary.loadSeconds, 's');
    context.row('load, ratio', staged.loadSeconds / ordinary.loadSeconds, 'ratio');
    context.row('first step, stages', staged.firstSeconds, 's');
    context.row('first step, one session', ordinary.firstSeconds, 's');
    if (isGpu) {
      context.row('peak on the device, stages', staged.peakBytes / 1e6, 'MB');
      context.row('peak on the device, one session', ordinary.peakBytes / 1e6, 'MB');
      context.row('peak, ratio', staged.peakBytes / ordinary.peakBytes, 'ratio');
    }
    const difference = largestDifference(staged.velocities, ordinary.velocities);
    context.row('largest difference / largest value', difference, 'ratio', atMost(1e-3));
  } finally {
    await ours.dispose();
    await theirs.dispose();
  }
}

export const ordinary: Benchmark = {
  title: 'stages against one onnxruntime session that holds the whole transformer',
  run,
};
