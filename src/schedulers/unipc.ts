/**
 * @file UniPC for flow matching: a multistep predictor, and a corrector that improves the sample it has just moved to
 * once the model has been asked there, at no further cost. diffusers' `UniPCMultistepScheduler`.
 */
import { invalidArgument, modelFormat, type ZoetropeError } from '../errors.ts';
import { linspace, shiftSigma } from './flow-sigmas.ts';
import type { Scheduler, StepRequest } from './scheduler.ts';
import { checkLengths, checkStepIndex } from './step-order.ts';
import {
  correctorCoefficients,
  predictorCoefficients,
  type StepCoefficients,
} from './unipc-coefficients.ts';
import type { UniPCConfig } from './unipc-config.ts';

/** λ is infinite at σ = 1; diffusers starts a little below. */
const START_MARGIN = 1e-6;

interface Step {
  /** Applied first, to the sample that the step before set out from. */
  readonly corrector: StepCoefficients | undefined;
  readonly predictor: StepCoefficients;
}

/** What a clip carries from step to step. */
interface Memory {
  nextStep: number;
  /** The corrected sample that the last step set out from. */
  readonly lastSample: Float32Array;
  /** Predicted clean samples, newest first. */
  history: readonly [Float32Array, Float32Array, Float32Array];
}

/**
 * `timesteps` are whole numbers. Where diffusers ends in NaN though the limit exists (`bh1` with a final sigma of 0),
 * the limit is taken: the last predicted clean sample.
 */
export class UniPC implements Scheduler {
  readonly name = 'UniPCMultistepScheduler';
  readonly timesteps: readonly number[];
  readonly sigmas: readonly number[];
  readonly #steps: readonly Step[];
  #memory: Memory | undefined;

  /**
   * @throws ZoetropeError `model-format` for options with which some step has no finite result; `invalid-argument` for
   *   sigmas with which that is so, and for timesteps, which diffusers' class does not take either.
   */
  constructor(config: UniPCConfig, { numInferenceSteps, timesteps, sigmas }: StepRequest) {
    if (timesteps) throw takesNoTimesteps();
    const { numTrainTimesteps, flowShift, finalSigmasType } = config;
    const evenly = linspace(1, 1 / numTrainTimesteps, numInferenceSteps + 1).slice(0, -1);
    const noise = (sigmas ?? evenly)
      .map((sigma) => shiftSigma(sigma, flowShift))
      .map((sigma, i) =>
        i === 0 && Math.abs(sigma - 1) < START_MARGIN ? sigma - START_MARGIN : sigma,
      );
    this.timesteps = noise.map((sigma) => Math.trunc(sigma * numTrainTimesteps));
    const last = finalSigmasType === 'zero' ? 0 : (noise.at(-1) ?? 0);
    this.sigmas = [...noise, last].map(Math.fround);
    this.#steps = planSteps(config, this.sigmas, sigmas !== undefined);
  }

  step(modelOutput: Float32Array, stepIndex: number, sample: Float32Array): void {
    checkLengths(modelOutput, sample);
    checkStepIndex(stepIndex, this.timesteps.length);
    const memory = this.#turn(stepIndex, sample.length);
    const step = this.#steps[stepIndex];
    if (!step) return;
    const sigma = this.sigmas[stepIndex] ?? 0;
    const [m0, m1, m2] = memory.history;
    advance(step, sigma, modelOutput, sample, memory.lastSample, m0, m1, m2);
    memory.history = [m2, m0, m1];
  }

  #turn(stepIndex: number, length: number): Memory {
    if (stepIndex === 0 && this.#memory?.lastSample.length !== length) {
      const make = (): Float32Array => new Float32Array(length);
      this.#memory = { nextStep: 0, lastSample: make(), history: [make(), make(), make()] };
    }
    const memory = this.#memory;
    if (memory && stepIndex === 0) {
      memory.nextStep = 0;
      // Another clip's values must not come in, not even times 0: they may be NaN.
      for (const values of memory.history) values.fill(0);
    }
    if (memory?.nextStep !== stepIndex) {
      throw invalidArgument(
        'stepIndex',
        `step ${stepIndex} is out of turn: next is ${memory?.nextStep ?? 0}.`,
        'UniPC uses what it learned in earlier steps: run them in order from 0.',
      );
    }
    if (memory.lastSample.length !== length) {
      throw invalidArgument(
        'sample',
        `it has ${length} values and that of step 0 had ${memory.lastSample.length}.`,
        'Give the same sample to all steps of a clip.',
      );
    }
    memory.nextStep++;
    return memory;
  }
}

/** What a request for timesteps is refused with. */
export function takesNoTimesteps(): ZoetropeError {
  return invalidArgument(
    'timesteps',
    'UniPCMultistepScheduler takes sigmas in their place.',
    'Give sigmas (timesteps / 1000, with a flowShift of 1), or another scheduler.',
  );
}

function tooClose(step: number): ZoetropeError {
  return invalidArgument(
    'sigmas',
    `step ${step + 1} has no finite result: its sigma is too close to 1 or to the next one.`,
    'Spread the sigmas, or use FlowMatchEulerDiscreteScheduler.',
  );
}

/**
 * The coefficients of all steps: the order rises from 1 as history grows, and falls towards the end.
 * @param isGiven Whether the sigmas are the caller's.
 */
function planSteps(config: UniPCConfig, sigmas: readonly number[], isGiven: boolean): Step[] {
  const { solverOrder, solverType, lowerOrderFinal, disableCorrector } = config;
  const count = sigmas.length - 1;
  const orderOf = (step: number): number =>
    Math.min(solverOrder, step + 1, lowerOrderFinal ? count - step : solverOrder);
  return Array.from({ length: count }, (_, i) => {
    const corrected = i > 0 && !disableCorrector.includes(i - 1);
    const step: Step = {
      corrector: corrected
        ? correctorCoefficients(sigmas, i - 1, orderOf(i - 1), solverType)
        : undefined,
      predictor: predictorCoefficients(sigmas, i, orderOf(i), solverType),
    };
    if (![step.corrector, step.predictor].every(isFinite)) {
      if (isGiven) throw tooClose(i);
      throw modelFormat(
        `scheduler_config.json: with solver_order ${solverOrder}, lower_order_final ${lowerOrderFinal} and ` +
          `final_sigmas_type ${config.finalSigmasType}, step ${i + 1} of ${count} has no finite result.`,
        'Set lower_order_final to true.',
      );
    }
    return step;
  });
}

function isFinite(coefficients: StepCoefficients | undefined): boolean {
  if (!coefficients) return true;
  const { sample, history, current } = coefficients;
  return [sample, ...history, current].every(Number.isFinite);
}

/**
 * One pass over the data: predicts the clean sample (into the oldest history buffer, which no step needs any more once
 * it has been read), corrects, predicts. float64 sums, float32 storage.
 */
function advance(
  { corrector, predictor }: Step,
  sigma: number,
  modelOutput: Float32Array,
  sample: Float32Array,
  lastSample: Float32Array,
  m0: Float32Array,
  m1: Float32Array,
  m2: Float32Array,
): void {
  const [p0, p1, p2] = predictor.history;
  const [c0, c1, c2] = corrector?.history ?? [0, 0, 0];
  for (let i = 0; i < sample.length; i++) {
    let x = sample[i] ?? 0;
    const clean = Math.fround(x - sigma * (modelOutput[i] ?? 0));
    const newest = m0[i] ?? 0;
    const older = m1[i] ?? 0;
    const oldest = m2[i] ?? 0;
    if (corrector) {
      x = Math.fround(
        corrector.sample * (lastSample[i] ?? 0) +
          c0 * newest +
          c1 * older +
          c2 * oldest +
          corrector.current * clean,
      );
    }
    lastSample[i] = x;
    m2[i] = clean;
    sample[i] = predictor.sample * x + p0 * clean + p1 * newest + p2 * older;
  }
}
