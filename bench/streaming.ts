/** @file What it costs to stream weights: a step should take as long as computing or uploading, whichever is longer. */
import type { Backend } from '../src/runtime/backend.ts';
import { planPhase } from '../src/runtime/planner.ts';
import type { Stage } from '../src/runtime/stage.ts';
import type { BenchContext, Benchmark, Size } from './context.ts';
import { atMost, exactly } from './goals.ts';
import { interleaved } from './measure.ts';
import { RandomWeights } from './random-weights.ts';
import { LoadedWan, phaseNeeds, wanShaped } from './wan-shaped.ts';

/** Of the transformer's weights that may be on the device at once. */
const SHARE = 0.25;
const ROUNDS: Record<Size, number> = { tiny: 1, small: 3, large: 7 };

/** What a streamed step uploads, and nothing else: through the buffers of one stage, waiting until all is there. */
function uploads(
  backend: Backend,
  source: RandomWeights,
  stages: readonly Stage[],
): { task: () => Promise<void>; free: () => void } {
  const slot = (stages[0]?.graph.weights ?? []).map((weight) => ({
    weight,
    tensor: backend.allocate(weight.dtype, weight.shape, 'activations'),
  }));
  const mark = backend.allocate('float32', [4], 'activations');
  return {
    async task() {
      for (const { prefix } of stages) {
        for (const { weight, tensor } of slot) backend.upload(tensor, source.get(prefix, weight));
      }
      await backend.download(mark);
    },
    free() {
      for (const { tensor } of slot) backend.free(tensor);
      backend.free(mark);
    },
  };
}

/** Bytes of weights that one step writes, once the ring is in its cycle. */
async function streamedBytes(backend: Backend, model: LoadedWan, passes: number): Promise<number> {
  await model.step(passes);
  const before = backend.ledger.read().weightBytesWritten;
  await model.step(passes);
  return backend.ledger.read().weightBytesWritten - before;
}

async function run(context: BenchContext): Promise<void> {
  const wan = wanShaped(context.size, context.device);
  const needs = phaseNeeds(wan);
  const weights = new RandomWeights();
  const whole = planPhase(needs, Number.POSITIVE_INFINITY);
  const plan = planPhase(needs, whole.weightBytes * SHARE + whole.workingSetBytes);
  const backend = await context.open();
  try {
    context.log('loading, whole and streamed');
    const resident = await LoadedWan.load(backend, weights, wan);
    const streamed = await LoadedWan.load(backend, weights, wan, plan.streaming);
    const upload = uploads(backend, weights, plan.streaming?.streamed ?? []);
    context.log('steps: resident, streamed, and the upload alone');
    const [residentSeconds = 0, streamedSeconds = 0, uploadSeconds = 0] = await interleaved(
      [() => resident.step(), () => streamed.step(), upload.task],
      ROUNDS[context.size],
    );
    upload.free();
    const guided = await streamedBytes(backend, streamed, 2);
    const alone = await streamedBytes(backend, streamed, 1);
    await resident.dispose();
    await streamed.dispose();

    const bound = Math.max(residentSeconds, uploadSeconds);
    context.row('resident step', residentSeconds, 's');
    context.row('streamed step', streamedSeconds, 's');
    context.row('upload of the streamed bytes alone', uploadSeconds, 's');
    context.row('upload rate', guided / uploadSeconds / 1e6, 'MB/s');
    context.row(
      'streamed step / slower of the two',
      streamedSeconds / bound,
      'ratio',
      atMost(1.15),
    );
    context.row('bytes streamed a step', guided / 1e6, 'MB');
    context.row('bytes with guidance / without', guided / alone, 'ratio', exactly(1));
  } finally {
    await backend.dispose();
  }
}

export const streaming: Benchmark = {
  title: 'a step with weights streamed takes as long as computing or uploading, not both',
  run,
};
