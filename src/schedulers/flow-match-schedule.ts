/** @file The schedule that diffusers' flow-match samplers share (Euler and LCM have the same `set_timesteps`). */
import type { Fields } from '../config/fields.ts';
import { FLOW_SHIFT, TRAIN_TIMESTEPS } from './config-ranges.ts';
import { linspace, shiftSigma } from './flow-sigmas.ts';
import type { StepRequest } from './scheduler.ts';

export interface FlowMatchConfig {
  readonly numTrainTimesteps: number;
  readonly shift: number;
}

/** `timesteps` are float32 values; `sigmas` are one more. */
export interface FlowMatchSchedule {
  readonly timesteps: readonly number[];
  readonly sigmas: readonly number[];
}

/**
 * Schedules that depend on the clip's size (`use_dynamic_shifting`), are stretched, inverted or of another spacing are
 * refused.
 *
 * @throws ZoetropeError `model-format`, naming the option.
 */
export function readFlowMatchConfig(fields: Fields): FlowMatchConfig {
  fields.refuse(
    'use_dynamic_shifting',
    'shift_terminal',
    'use_karras_sigmas',
    'use_exponential_sigmas',
    'use_beta_sigmas',
    'invert_sigmas',
  );
  return {
    numTrainTimesteps: fields.integer('num_train_timesteps', TRAIN_TIMESTEPS, 1000),
    shift: fields.number('shift', FLOW_SHIFT, 1),
  };
}

export function flowMatchSchedule(
  { numTrainTimesteps, shift }: FlowMatchConfig,
  { numInferenceSteps, timesteps, sigmas }: StepRequest,
): FlowMatchSchedule {
  const given = timesteps?.map(Math.fround);
  // What is given is a float32 array in diffusers, what is spaced evenly a float64 one: each is shifted in its own.
  const unshifted = sigmas ?? given?.map((timestep) => timestep / numTrainTimesteps);
  const shifted = unshifted
    ? unshifted.map((sigma) => shiftFloat32(Math.fround(sigma), shift))
    : evenSigmas(numTrainTimesteps, shift, numInferenceSteps);
  return {
    timesteps: given ?? shifted.map((sigma) => Math.fround(sigma * numTrainTimesteps)),
    sigmas: [...shifted, 0],
  };
}

function evenSigmas(numTrainTimesteps: number, shift: number, count: number): number[] {
  // The range is that of the training schedule, which is shifted already: diffusers shifts a second time on top.
  const largest = shiftFloat32(1, shift);
  const smallest = shiftFloat32(Math.fround(1 / numTrainTimesteps), shift);
  return linspace(largest * numTrainTimesteps, smallest * numTrainTimesteps, count).map((time) =>
    Math.fround(shiftSigma(time / numTrainTimesteps, shift)),
  );
}

/** {@link shiftSigma} with every operation rounded to float32, for what is a float32 array in diffusers. */
function shiftFloat32(sigma: number, shift: number): number {
  const { fround } = Math;
  const denominator = fround(1 + fround(fround(shift - 1) * sigma));
  return fround(fround(fround(shift) * sigma) / denominator);
}
