/** @file A checkpoint with damaged JSON files and headers, opened, planned and sampled: all that needs no weights. */
import type { ModelCheckpoint } from '../../src/families/family.ts';
import { openCheckpoint } from '../../src/families/open-checkpoint.ts';
import { planMemory } from '../../src/pipeline/memory-plan.ts';
import { resolveRequest } from '../../src/pipeline/request.ts';
import type { DeviceReport } from '../../src/runtime/device.ts';
import { createScheduler } from '../../src/schedulers/create-scheduler.ts';
import { ANY_GPU } from '../../src/testing/device-reports.ts';
import { MemorySource } from '../../src/testing/memory-source.ts';
import { tinyWan } from '../../src/testing/tiny-wan.ts';
import { applyEdits, type Edit, randomEdit } from './edits.ts';
import { type Target, WrongResult } from './target.ts';

const NO_GPU: DeviceReport = {
  ...ANY_GPU,
  device: 'wasm',
  hasShaderF16: false,
};

const PROMPT = 'a red ball moves right, <b>ﬁne</b> 🔴';

const base = tinyWan();

export const configurations: Target = {
  name: 'configurations',
  about: 'damaged configurations and headers, through opening, planning and sampling',
  generate: (random) => ({
    device: random.pick(['webgpu', 'wasm']),
    edits: Array.from({ length: random.pick([1, 1, 1, 2, 3]) }, () => randomEdit(base, random)),
  }),
  async run(input) {
    const files = applyEdits(base, input['edits'] as readonly Edit[]);
    const checkpoint = await openCheckpoint(new MemorySource(files));
    plan(checkpoint, input['device'] === 'wasm' ? NO_GPU : ANY_GPU);
    const { maxSequenceLength } = checkpoint.defaults;
    const { ids } = checkpoint.tokenizer.encodePrompt(PROMPT, maxSequenceLength);
    if (ids.length === 0 || !ids.every(Number.isSafeInteger)) throw new WrongResult('token ids');
    sample(checkpoint);
    decode(checkpoint);
  },
};

function plan(checkpoint: ModelCheckpoint, report: DeviceReport): void {
  const { predictedPeakBytes, downloadBytes } = planMemory(checkpoint, report, {});
  for (const bytes of [predictedPeakBytes, downloadBytes]) {
    if (!Number.isSafeInteger(bytes) || bytes < 0) throw new WrongResult(`${bytes} bytes planned`);
  }
}

/** Some values through every step of the default schedule. */
function sample({ defaults, constraints, schedulerConfig, schedulerName }: ModelCheckpoint): void {
  const { numInferenceSteps } = resolveRequest(
    { prompt: PROMPT, seed: 0 },
    {
      model: '',
      scheduler: schedulerName,
      device: 'wasm',
      dtype: 'float32',
      defaults,
      constraints,
    },
  );
  const scheduler = createScheduler(schedulerConfig, numInferenceSteps);
  const values = Float32Array.of(0.5, -1, 2, 0);
  const output = Float32Array.of(-0.25, 1, 0, 3);
  for (const step of scheduler.timesteps.keys()) {
    scheduler.step(output, step, values, { draw: (noise) => void noise.fill(1) });
  }
  const all = [...scheduler.sigmas, ...scheduler.timesteps, ...values];
  if (!all.every(Number.isFinite)) throw new WrongResult('a sampler without finite results');
}

function decode(checkpoint: ModelCheckpoint): void {
  const shape = checkpoint.latentShape(checkpoint.defaults);
  const latents = new Float32Array(shape.channels * shape.frames * shape.height * shape.width);
  const frame = checkpoint.decoderInput(latents.fill(3), shape, 0);
  if (!frame.every(Number.isFinite)) throw new WrongResult('latents that are not finite');
}
