/** @file The flags that say how a clip is made. */
import { parseSeed, seedProblem } from '../../src/seed.mjs';
import { number, oneOf, UsageError } from '../command-line.mjs';
import { descendingNumbers, NUMBER_RULES, numberWithin } from '../number-rules.mjs';

/**
 * @typedef {import('../../src/pipeline/api.ts').GenerateOptions} GenerateOptions
 *
 * @typedef {Partial<Record<keyof typeof GENERATE_NUMBERS | 'negative-prompt' | 'seed' | 'timesteps' | 'sigmas' | 'scheduler' | 'decode' | 'fast-decoder', string | undefined>>} ClipFlags
 */

/** @type {import('../../src/pipeline/api.ts').SchedulerName[]} */
const SCHEDULERS = [
  'UniPCMultistepScheduler',
  'FlowMatchEulerDiscreteScheduler',
  'FlowMatchLCMScheduler',
];

/** Numbers that are handed to `generate`, by flag. */
const GENERATE_NUMBERS = /** @type {const} */ ({
  width: 'width',
  height: 'height',
  'num-frames': 'numFrames',
  'num-inference-steps': 'numInferenceSteps',
  'guidance-scale': 'guidanceScale',
  'max-sequence-length': 'maxSequenceLength',
  'frame-rate': 'frameRate',
  'flow-shift': 'flowShift',
  'init-noise-sigma': 'initNoiseSigma',
});

const GENERATE_FLAGS = /** @type {(keyof typeof GENERATE_NUMBERS)[]} */ (
  Object.keys(GENERATE_NUMBERS)
);

/**
 * What the flags say of a clip itself.
 * @param {ClipFlags} values
 * @returns {GenerateOptions}
 */
export function clipOptions(values) {
  /** @type {GenerateOptions} */
  const generate = {};
  if (values['negative-prompt'] !== undefined) generate.negativePrompt = values['negative-prompt'];
  if (values.seed !== undefined) generate.seed = seedOf(values.seed);
  for (const flag of GENERATE_FLAGS) {
    const text = values[flag];
    const name = GENERATE_NUMBERS[flag];
    if (text !== undefined) generate[name] = numberWithin(flag, text, NUMBER_RULES[name]);
  }
  for (const [flag, most] of /** @type {const} */ ([
    ['timesteps', 1000],
    ['sigmas', 1],
  ])) {
    const text = values[flag];
    if (text !== undefined) generate[flag] = descendingNumbers(flag, text, most);
  }
  checkTimes(generate);
  if (values.scheduler !== undefined) {
    generate.scheduler = oneOf('scheduler', values.scheduler, SCHEDULERS);
  }
  if (values.decode !== undefined) {
    generate.decode = oneOf('decode', values.decode, ['full', 'fast']);
    if (generate.decode === 'fast' && values['fast-decoder'] === undefined) {
      throw new UsageError(
        '--decode fast needs --fast-decoder.',
        'For Wan 2.1: --fast-decoder taew2_1.safetensors, a file from github.com/madebyollin/taehv.',
      );
    }
  }
  return generate;
}

/** @param {GenerateOptions} generate */
function checkTimes({ timesteps, sigmas, numInferenceSteps }) {
  if (timesteps && sigmas && timesteps.length !== sigmas.length) {
    throw new UsageError(
      `--sigmas: there are ${sigmas.length} of them and ${timesteps.length} timesteps.`,
      'Give one of each a step, or leave one list out.',
    );
  }
  const given = (timesteps ?? sigmas)?.length;
  if (given === undefined || numInferenceSteps === undefined || given === numInferenceSteps) return;
  throw new UsageError(
    `--num-inference-steps: ${numInferenceSteps} contradicts the ${given} ${timesteps ? 'timesteps' : 'sigmas'} that are given.`,
    'Leave it out: it follows from them.',
  );
}

/** @param {string} text */
function seedOf(text) {
  const seed = parseSeed(text);
  if (Number.isNaN(seed)) number('seed', text);
  const problem = seedProblem(seed, text);
  if (problem === undefined) return seed;
  throw new UsageError(`--seed: ${problem.message}`, problem.hint);
}
