/** @file Settles every option of a request, before anything large happens. */
import { invalidArgument } from '../errors.ts';
import type { GenerationDefaults, SizeConstraints } from '../families/family.ts';
import { canonicalSeed } from '../seed.mjs';
import type { GenerateOptions, GenerationParameters } from './api.ts';
import { checkRequest } from './checks/request-rules.ts';
import { whole } from './checks/rules.ts';

export interface RequestContext {
  readonly model: string;
  readonly scheduler: string;
  readonly device: 'webgpu' | 'wasm';
  readonly dtype: 'float32' | 'float16';
  readonly defaults: GenerationDefaults;
  readonly constraints: SizeConstraints;
}

/** @throws ZoetropeError `invalid-argument`, naming the option, with the nearest valid value where there is one. */
export function resolveRequest(
  options: GenerateOptions,
  context: RequestContext,
): GenerationParameters {
  checkRequest(options);
  const { defaults, constraints } = context;
  const seed = options.seed ?? randomSeed();
  const prompt = options.promptEmbeds ? '' : requirePrompt(options);
  return {
    model: context.model,
    prompt,
    negativePrompt: options.negativePrompt ?? '',
    ...(options.promptEmbeds ? { promptEmbeds: 'given' } : {}),
    ...(options.negativePromptEmbeds ? { negativePromptEmbeds: 'given' } : {}),
    height: size('height', options.height ?? defaults.height, constraints),
    width: size('width', options.width ?? defaults.width, constraints),
    numFrames: frames(options.numFrames ?? defaults.numFrames, constraints),
    numInferenceSteps:
      options.numInferenceSteps ?? givenSteps(options) ?? defaults.numInferenceSteps,
    guidanceScale: options.guidanceScale ?? defaults.guidanceScale,
    seed: canonicalSeed(seed),
    maxSequenceLength: resolveSequenceLength(options.maxSequenceLength, defaults),
    frameRate: options.frameRate ?? defaults.frameRate,
    scheduler: options.scheduler ?? context.scheduler,
    ...(options.flowShift === undefined ? {} : { flowShift: options.flowShift }),
    ...(options.timesteps === undefined ? {} : { timesteps: [...options.timesteps] }),
    ...(options.sigmas === undefined ? {} : { sigmas: [...options.sigmas] }),
    ...(options.initNoiseSigma === undefined ? {} : { initNoiseSigma: options.initNoiseSigma }),
    ...(options.decode === 'fast' ? { decode: 'fast' as const } : {}),
    device: context.device,
    dtype: context.dtype,
  };
}

/** @throws ZoetropeError `invalid-argument` if there is none. An empty one is encoded, as diffusers does. */
function requirePrompt({ prompt }: GenerateOptions): string {
  if (prompt !== undefined) return prompt;
  throw invalidArgument(
    'prompt',
    'it is missing.',
    'Describe what the video should show, or give promptEmbeds.',
  );
}

/** How many steps follow from the times that are given. */
function givenSteps({ timesteps, sigmas }: GenerateOptions): number | undefined {
  return (timesteps ?? sigmas)?.length;
}

/** @throws ZoetropeError `invalid-argument`. */
export function resolveSequenceLength(
  wanted: number | undefined,
  { maxSequenceLength }: GenerationDefaults,
): number {
  const length = wanted ?? maxSequenceLength;
  whole(maxSequenceLength)(length, 'maxSequenceLength');
  return length;
}

function randomSeed(): number {
  return crypto.getRandomValues(new Uint32Array(1))[0] ?? 0;
}

function size(name: 'height' | 'width', value: number, constraints: SizeConstraints): number {
  const { sizeMultiple: step, maxSize } = constraints;
  return stepped(name, value, step, maxSize, step, 'pixels', `a multiple of ${step}`);
}

function frames(value: number, { frameMultiple: step, maxFrames }: SizeConstraints): number {
  return stepped('numFrames', value, 1, maxFrames, step, 'frames', `a multiple of ${step}, plus 1`);
}

/** A whole number `first + k · step`, at most `most`. */
function stepped(
  name: string,
  value: number,
  first: number,
  most: number,
  step: number,
  unit: string,
  rule: string,
): number {
  const fits =
    Number.isInteger(value) && value >= first && value <= most && (value - first) % step === 0;
  if (fits) return value;
  const number = Number.isNaN(value) ? first : Math.min(most, Math.max(first, value));
  const limit = first + Math.floor((most - first) / step) * step;
  const nearest = first + Math.round((number - first) / step) * step;
  const offered = Math.min(limit, Math.max(first, nearest));
  throw invalidArgument(
    name,
    `${value} ${unit} is not what this model can do.`,
    `It must be ${rule}, from ${first} to ${limit}; nearest valid: ${offered}.`,
  );
}
