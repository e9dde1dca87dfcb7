/** @file What the numbers of a request may be, as far as no model is needed to say so: for flags, and for a file of prompts. */
import { number, UsageError } from './command-line.mjs';

/**
 * @typedef {object} NumberRule
 * @property {number} least
 * @property {number} [most]
 * @property {true} [isWhole]
 */

/** By the names that `generate` has. The model may allow less. */
export const NUMBER_RULES = /** @type {const} */ ({
  width: { least: 1, isWhole: true },
  height: { least: 1, isWhole: true },
  numFrames: { least: 1, isWhole: true },
  numInferenceSteps: { least: 1, most: 1000, isWhole: true },
  guidanceScale: { least: 0, most: 100 },
  maxSequenceLength: { least: 1, isWhole: true },
  frameRate: { least: 1, most: 240 },
  flowShift: { least: 0.01, most: 100 },
  initNoiseSigma: { least: 1e-3, most: 1e3 },
});

/** @typedef {keyof typeof NUMBER_RULES} NumberName */

export const LORA_SCALE = /** @type {const} */ ({ least: -100, most: 100 });

/**
 * @param {unknown} value
 * @param {NumberRule} rule
 * @returns {string | undefined} What the value is not, as in “is not …”; undefined if nothing is wrong.
 */
export function numberProblem(value, { least, most, isWhole }) {
  const isFine =
    typeof value === 'number' &&
    Number.isFinite(value) &&
    value >= least &&
    value <= (most ?? Number.MAX_SAFE_INTEGER) &&
    (!isWhole || Number.isInteger(value));
  if (isFine) return undefined;
  const kind = isWhole ? 'a whole number' : 'a number';
  return most === undefined ? `${kind} of ${least} or more` : `${kind} from ${least} to ${most}`;
}

/**
 * @param {string} flag
 * @param {string} text
 * @param {NumberRule} rule
 */
export function numberWithin(flag, text, rule) {
  const value = number(flag, text);
  const problem = numberProblem(value, rule);
  if (problem === undefined) return value;
  throw new UsageError(
    `--${flag}: ${text} is not ${problem}.`,
    'Leave it out for the model’s default.',
  );
}

/**
 * @param {string} flag
 * @param {string} text Numbers with commas between them.
 * @param {number} most
 */
export function descendingNumbers(flag, text, most) {
  const values = text.split(',').map((part) => number(flag, part));
  const hint = `Give them in descending order, above 0 and at most ${most}.`;
  let before = Number.POSITIVE_INFINITY;
  for (const value of values) {
    // The samplers compute in float32, where numbers that are close together are one.
    const used = Math.fround(value);
    if (!(used > 0 && value <= most)) {
      throw new UsageError(
        `--${flag}: ${value} is not a number above 0 and at most ${most}.`,
        hint,
      );
    }
    if (used >= before)
      throw new UsageError(`--${flag}: ${value} is not below the one before.`, hint);
    before = used;
  }
  return values;
}
