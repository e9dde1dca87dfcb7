/**
 * @file Euler's method for flow matching: the sample moves along the predicted velocity, `x ← x + (σ' − σ) · v`.
 * diffusers' `FlowMatchEulerDiscreteScheduler`.
 */
import type { ConfigReader } from './config-reader.ts';
import { linspace, shiftSigma } from './flow-sigmas.ts';
import type { Scheduler } from './scheduler.ts';
import { checkLengths, checkStepIndex } from './step-order.ts';

export interface FlowMatchEulerConfig {
  readonly numTrainTimesteps: number;
  readonly shift: number;
}

/**
 * Schedules that depend on the clip's size (`use_dynamic_shifting`), are stretched, inverted, of another spacing, or
 * sampled with fresh noise are refused.
 *
 * @throws ZoetropeError `model-format`, naming the option.
 */
export function readFlowMatchEulerConfig(reader: ConfigReader): FlowMatchEulerConfig {
  reader.refuse(
    'use_dynamic_shifting',
    'shift_terminal',
    'use_karras_sigmas',
    'use_exponential_sigmas',
    'use_beta_sigmas',
    'invert_sigmas',
    'stochastic_sampling',
  );
  return {
    numTrainTimesteps: reader.count('num_train_timesteps', 1000),
    shift: reader.positive('shift', 1),
  };
}

/** `timesteps` are float32 values. */
export class FlowMatchEuler implements Scheduler {
  readonly name = 'FlowMatchEulerDiscreteScheduler';
  readonly timesteps: readonly number[];
  readonly sigmas: readonly number[];

  constructor({ numTrainTimesteps, shift }: FlowMatchEulerConfig, numInferenceSteps: number) {
    // The range is that of the training schedule, which is shifted already: diffusers shifts a second time on top.
    const largest = shiftFloat32(1, shift);
    const smallest = shiftFloat32(Math.fround(1 / numTrainTimesteps), shift);
    const sigmas = linspace(
      largest * numTrainTimesteps,
      smallest * numTrainTimesteps,
      numInferenceSteps,
    ).map((time) => Math.fround(shiftSigma(time / numTrainTimesteps, shift)));
    this.timesteps = sigmas.map((sigma) => Math.fround(sigma * numTrainTimesteps));
    this.sigmas = [...sigmas, 0];
  }

  step(modelOutput: Float32Array, stepIndex: number, sample: Float32Array): void {
    checkLengths(modelOutput, sample);
    checkStepIndex(stepIndex, this.timesteps.length);
    const change = (this.sigmas[stepIndex + 1] ?? 0) - (this.sigmas[stepIndex] ?? 0);
    for (let i = 0; i < sample.length; i++) {
      sample[i] = (sample[i] ?? 0) + change * (modelOutput[i] ?? 0);
    }
  }
}

/** {@link shiftSigma} with every operation rounded to float32, as the training schedule is a float32 tensor. */
function shiftFloat32(sigma: number, shift: number): number {
  const { fround } = Math;
  const denominator = fround(1 + fround(fround(shift - 1) * sigma));
  return fround(fround(fround(shift) * sigma) / denominator);
}
