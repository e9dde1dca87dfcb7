/** @file What the options of a clip and of its file may be, as far as that depends on no model. */
import { invalidArgument } from '../../errors.ts';
import { FRAME_RATE, GUIDANCE_SCALE, INFERENCE_STEPS } from '../../families/request-ranges.ts';
import { checkEncoding, CONTAINERS, LARGEST_SCALE } from '../../media/check-encoding.ts';
import { CODEC_TITLES } from '../../media/codecs.ts';
import { FLOW_SHIFT, TRAIN_TIMESTEPS } from '../../schedulers/config-ranges.ts';
import { checkSchedulerName } from '../../schedulers/create-scheduler.ts';
import { checkStepRequest } from '../../schedulers/step-request.ts';
import { takesNoTimesteps } from '../../schedulers/unipc.ts';
import type { EncodeOptions, EncodePromptOptions, GenerateOptions } from '../api.ts';
import { checkSeed } from '../noise.ts';
import {
  aCallback,
  aNumber,
  aSignal,
  aText,
  checkOptions,
  count,
  listOf,
  nested,
  oneOf,
  type Rules,
  someFloats,
  whole,
  within,
} from './rules.ts';

const NOISE_SIGMA = { least: 1e-3, most: 1e3 };

const FILE_RULES: Rules<Pick<EncodeOptions, 'container' | 'codec' | 'scale'>> = {
  container: oneOf(CONTAINERS),
  codec: oneOf(Object.keys(CODEC_TITLES)),
  scale: whole(LARGEST_SCALE),
};

const ENCODE_RULES: Rules<EncodeOptions> = {
  ...FILE_RULES,
  onProgress: aCallback,
  signal: aSignal,
};

/** Sizes and lengths have only their type checked: what else they may be, the model says. */
const REQUEST_RULES: Rules<GenerateOptions> = {
  prompt: aText,
  negativePrompt: aText,
  promptEmbeds: someFloats,
  negativePromptEmbeds: someFloats,
  height: aNumber,
  width: aNumber,
  numFrames: aNumber,
  numInferenceSteps: whole(INFERENCE_STEPS.most),
  timesteps: listOf(aNumber),
  sigmas: listOf(aNumber),
  initNoiseSigma: within(NOISE_SIGMA),
  guidanceScale: within(GUIDANCE_SCALE),
  seed: checkSeed,
  maxSequenceLength: aNumber,
  frameRate: within(FRAME_RATE),
  scheduler: (value, name) => checkSchedulerName(aText(value, name)),
  flowShift: within(FLOW_SHIFT),
  decode: oneOf(['full', 'fast']),
  onProgress: aCallback,
  onFrames: aCallback,
  encode: nested(FILE_RULES),
  onStepEnd: aCallback,
  onPreview: aCallback,
  signal: aSignal,
};

const SIZE_RULES = {
  width: count('pixels'),
  height: count('pixels'),
  numFrames: count('frames'),
  maxSequenceLength: count('tokens'),
};

/** @throws ZoetropeError `invalid-argument`, naming the option; also for an option that there is not. */
export function checkRequest(options: GenerateOptions): void {
  checkOptions(options, REQUEST_RULES);
  if (options.encode) checkEncoding(options.encode);
  checkTimes(options);
  for (const [embeds, text] of [
    ['promptEmbeds', 'prompt'],
    ['negativePromptEmbeds', 'negativePrompt'],
  ] as const) {
    if (!options[embeds] || !options[text]) continue;
    throw invalidArgument(embeds, `there is a ${text} too.`, 'Give one of the two.');
  }
}

/** For a model that is not known yet: sizes that none can do. */
export function checkSizes(options: GenerateOptions): void {
  for (const [name, rule] of Object.entries(SIZE_RULES)) {
    const value = options[name as keyof typeof SIZE_RULES];
    if (value !== undefined) rule(value, name);
  }
}

function checkTimes({ timesteps, sigmas, numInferenceSteps, scheduler }: GenerateOptions): void {
  const given = timesteps ?? sigmas;
  if (!given) return;
  checkStepRequest(
    {
      numInferenceSteps: numInferenceSteps ?? Math.max(1, given.length),
      ...(timesteps ? { timesteps } : {}),
      ...(sigmas ? { sigmas } : {}),
    },
    TRAIN_TIMESTEPS.most,
  );
  if (timesteps && scheduler === 'UniPCMultistepScheduler') throw takesNoTimesteps();
}

/** @throws ZoetropeError `invalid-argument`. */
export function checkEncodeOptions(options: EncodeOptions): void {
  checkOptions(options, ENCODE_RULES);
  checkEncoding(options);
}

const PROMPT_RULES: Rules<EncodePromptOptions> = {
  maxSequenceLength: count('tokens'),
  signal: aSignal,
};

/** @throws ZoetropeError `invalid-argument`. */
export function checkEncodePromptOptions(options: EncodePromptOptions): void {
  checkOptions(options, PROMPT_RULES);
}
