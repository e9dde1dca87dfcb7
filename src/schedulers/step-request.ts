/** @file The check that every schedule begins with. */
import { invalidArgument } from '../errors.ts';
import type { StepRequest } from './scheduler.ts';

/**
 * @param most `num_train_timesteps`.
 * @throws ZoetropeError `invalid-argument`, naming the option.
 */
export function checkStepRequest(request: StepRequest, most: number): void {
  const { numInferenceSteps: count, timesteps, sigmas } = request;
  if (!(Number.isInteger(count) && count >= 1 && count <= most)) {
    throw invalidArgument(
      'numInferenceSteps',
      `${count} is not a whole number from 1 to ${most}.`,
      most < 50 ? `Try ${most}.` : 'Try 20 to 50 steps.',
    );
  }
  checkTimes('timesteps', timesteps, most);
  checkTimes('sigmas', sigmas, 1);
  if (timesteps && sigmas && timesteps.length !== sigmas.length) {
    throw invalidArgument(
      'sigmas',
      `there are ${sigmas.length} of them and ${timesteps.length} timesteps.`,
      'Give one of each a step, or leave one list out.',
    );
  }
  const given = timesteps ?? sigmas;
  if (given && given.length !== count) {
    throw invalidArgument(
      'numInferenceSteps',
      `${count} contradicts the ${given.length} ${timesteps ? 'timesteps' : 'sigmas'} that are given.`,
      'Leave numInferenceSteps out: it follows from them.',
    );
  }
}

function checkTimes(
  name: 'timesteps' | 'sigmas',
  values: readonly number[] | undefined,
  most: number,
): void {
  if (!values) return;
  const rule = `Give them in descending order, above 0 and at most ${most}.`;
  if (values.length === 0) throw invalidArgument(name, 'the list is empty.', rule);
  let before = Number.POSITIVE_INFINITY;
  for (const [i, value] of values.entries()) {
    // As float32, in which they are used: two that round to the same are one.
    const used = Math.fround(value);
    if (!(Number.isFinite(value) && used > 0 && value <= most)) {
      throw invalidArgument(name, `${value} is not a number above 0 and at most ${most}.`, rule);
    }
    if (used >= before) {
      throw invalidArgument(name, `${value} follows ${values[i - 1]} and is not less.`, rule);
    }
    before = used;
  }
}
