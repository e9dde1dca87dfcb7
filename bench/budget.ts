/** @file Whether a budget for the device is kept, was foreseen, and changes nothing but the time. */
import { ZoetropeError } from '../src/errors.ts';
import type { Backend } from '../src/runtime/backend.ts';
import { type PhasePlan, planPhase } from '../src/runtime/planner.ts';
import type { BenchContext, Benchmark } from './context.ts';
import { atMost, between, exactly } from './goals.ts';
import { differingElements } from './measure.ts';
import { RandomWeights } from './random-weights.ts';
import { LoadedWan, phaseNeeds, type WanShaped, wanShaped } from './wan-shaped.ts';

/** Of the transformer's weights; the working set comes on top. */
const SHARES = [1, 0.5, 0.25, 0.1];

interface Measured {
  readonly velocities: Float32Array;
  readonly peakBytes: number;
}

/** One step under `plan`. Sessions stay compiled from one to the next, and with them what they keep for themselves. */
async function measure(
  backend: Backend,
  wan: WanShaped,
  weights: RandomWeights,
  plan: PhasePlan,
): Promise<Measured> {
  backend.ledger.resetPeak();
  const model = await LoadedWan.load(backend, weights, wan, plan.streaming);
  try {
    const velocities = await model.step();
    return { velocities, peakBytes: backend.ledger.read().peakBytes };
  } finally {
    await model.dispose();
  }
}

async function run(context: BenchContext): Promise<void> {
  const wan = wanShaped(context.size, context.device);
  const needs = phaseNeeds(wan);
  const weights = new RandomWeights();
  const whole = planPhase(needs, Number.POSITIVE_INFINITY);
  // On wasm the ledger counts the project's own tensors, not what onnxruntime takes from the heap.
  const isGpu = context.device.device === 'webgpu';
  context.row('transformer weights', whole.weightBytes / 1e6, 'MB');
  context.row('working set, predicted', whole.workingSetBytes / 1e6, 'MB');
  const backend = await context.open();
  context.log('without a budget');
  const { velocities: expected } = await measure(backend, wan, weights, whole);
  for (const share of SHARES) {
    const percent = `${share * 100} %`;
    const budgetBytes = Math.floor(whole.weightBytes * share + whole.workingSetBytes);
    context.log(`budget of ${percent}: ${(budgetBytes / 1e6).toFixed(1)} MB`);
    const plan = planOrNothing(needs, budgetBytes);
    const measured = plan && (await measure(backend, wan, weights, plan));
    const peak = measured?.peakBytes ?? Number.NaN;
    const different = measured ? differingElements(measured.velocities, expected) : Number.NaN;
    const predicted = plan ? plan.predictedPeakBytes : Number.NaN;
    context.row(`peak / budget at ${percent}`, peak / budgetBytes, 'ratio', atMost(1));
    const accuracy = isGpu ? between(1, 1.1) : undefined;
    context.row(`predicted / peak at ${percent}`, predicted / peak, 'ratio', accuracy);
    context.row(`elements that differ at ${percent}`, different, 'count', exactly(0));
  }
  await backend.dispose();
}

function planOrNothing(
  needs: Parameters<typeof planPhase>[0],
  budgetBytes: number,
): PhasePlan | undefined {
  try {
    return planPhase(needs, budgetBytes);
  } catch (error) {
    if (error instanceof ZoetropeError && error.code === 'out-of-memory') return undefined;
    throw error;
  }
}

export const budget: Benchmark = {
  title: 'a memory budget is kept, foreseen, and changes no bit',
  run,
};
