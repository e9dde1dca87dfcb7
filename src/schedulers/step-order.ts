/** @file The checks that every sampler's `step` begins with. */
import { invalidArgument } from '../errors.ts';

/** @throws ZoetropeError `invalid-argument` when the arrays' lengths differ. */
export function checkLengths(modelOutput: Float32Array, sample: Float32Array): void {
  if (modelOutput.length === sample.length) return;
  throw invalidArgument(
    'modelOutput',
    `it has ${modelOutput.length} values and the sample ${sample.length}.`,
    'Give the model output of this very sample.',
  );
}

/** @throws ZoetropeError `invalid-argument` when `stepIndex` is none of the schedule's steps. */
export function checkStepIndex(stepIndex: number, steps: number): void {
  if (Number.isInteger(stepIndex) && stepIndex >= 0 && stepIndex < steps) return;
  throw invalidArgument(
    'stepIndex',
    `${stepIndex} is none of the schedule's ${steps} steps.`,
    `Give a whole number from 0 to ${steps - 1}.`,
  );
}
