/**
 * @file What a checkpoint says of itself in an optional `zoetrope.json` beside `model_index.json`: what a run uses where a
 * request says nothing, where that differs from `WanPipeline`'s own defaults, how its latents look, and what it was taught to draw.
 */
import { Fields, isRecord, type NumberRange } from '../../config/fields.ts';
import { modelFormat } from '../../errors.ts';
import { type FileSource, readJson, type ReadOptions } from '../../weights/source.ts';
import type {
  GenerationDefaults,
  LatentColours,
  PromptVocabulary,
  SizeConstraints,
} from '../family.ts';
import { FRAME_RATE, GUIDANCE_SCALE, INFERENCE_STEPS } from '../request-ranges.ts';
import { faultOfVocabulary } from '../text/vocabulary-format.ts';

const FILE = 'zoetrope.json';

/** `WanPipeline.__call__`'s. */
export const WAN_DEFAULTS: GenerationDefaults = {
  height: 480,
  width: 832,
  numFrames: 81,
  numInferenceSteps: 50,
  guidanceScale: 5,
  frameRate: 16,
  maxSequenceLength: 512,
};

/** Tokens, the end token included: `WanPipeline` has no more. */
const SEQUENCE_LENGTH: NumberRange = { least: 1, most: WAN_DEFAULTS.maxSequenceLength };

export interface CheckpointSettings {
  readonly defaults: GenerationDefaults;
  readonly latentColours?: LatentColours;
  readonly prompts?: PromptVocabulary;
}

/** @param latentChannels Those of the checkpoint. */
export async function readSettings(
  source: FileSource,
  maxSequenceLength: number,
  latentChannels: number,
  constraints: SizeConstraints,
  options?: ReadOptions,
): Promise<CheckpointSettings> {
  const own = { ...nearest(WAN_DEFAULTS, constraints), maxSequenceLength };
  if (!(await source.exists(FILE, options))) return { defaults: own };
  const where = `${FILE} of ${source.name}`;
  const hint = 'Mend or remove it.';
  const fields = new Fields(await readJson(source, FILE, options), where, { hint });
  const stranger = fields
    .names()
    .find((name) => !Object.hasOwn(own, name) && name !== 'latentColours' && name !== 'prompts');
  if (stranger !== undefined)
    throw modelFormat(`${where}: ${stranger} is not a setting that this file may have.`, hint);
  const defaults = readDefaults(fields, own, constraints);
  const latentColours = fields.get('latentColours');
  if (latentColours !== undefined && !isColours(latentColours, latentChannels)) {
    throw modelFormat(
      `${where}: latentColours has no row of 3 · pixels² numbers for each of ${latentChannels} channels.`,
      hint,
    );
  }
  const prompts = fields.get('prompts');
  const fault = prompts === undefined ? undefined : faultOfVocabulary(prompts);
  if (fault !== undefined) throw modelFormat(`${where}: prompts${fault}.`, hint);
  return {
    defaults,
    ...(latentColours ? { latentColours } : {}),
    ...(prompts ? { prompts: prompts as PromptVocabulary } : {}),
  };
}

/** What the model can make and is nearest to what all Wans do by default: some are of other multiples. */
function nearest(defaults: GenerationDefaults, constraints: SizeConstraints): GenerationDefaults {
  const { sizeMultiple, frameMultiple, maxSize, maxFrames } = constraints;
  const side = (size: number): number =>
    Math.max(1, Math.round(Math.min(size, maxSize) / sizeMultiple)) * sizeMultiple;
  const frames = Math.min(defaults.numFrames, maxFrames) - 1;
  return {
    ...defaults,
    height: side(defaults.height),
    width: side(defaults.width),
    numFrames: Math.floor(frames / frameMultiple) * frameMultiple + 1,
  };
}

function readDefaults(
  fields: Fields,
  own: GenerationDefaults,
  { sizeMultiple, frameMultiple, maxSize, maxFrames }: SizeConstraints,
): GenerationDefaults {
  const side = (name: 'height' | 'width'): number => {
    const value = fields.integer(name, { least: sizeMultiple, most: maxSize }, own[name]);
    if (value % sizeMultiple === 0) return value;
    throw fields.error(name, `not a multiple of ${sizeMultiple}.`);
  };
  const numFrames = fields.integer('numFrames', { least: 1, most: maxFrames }, own.numFrames);
  if ((numFrames - 1) % frameMultiple !== 0) {
    throw fields.error('numFrames', `not a multiple of ${frameMultiple}, plus 1.`);
  }
  const { numInferenceSteps: steps, maxSequenceLength } = own;
  return {
    height: side('height'),
    width: side('width'),
    numFrames,
    numInferenceSteps: fields.integer('numInferenceSteps', INFERENCE_STEPS, steps),
    guidanceScale: fields.number('guidanceScale', GUIDANCE_SCALE, own.guidanceScale),
    frameRate: fields.number('frameRate', FRAME_RATE, own.frameRate),
    maxSequenceLength: fields.integer('maxSequenceLength', SEQUENCE_LENGTH, maxSequenceLength),
  };
}

/** Pixels a side of one latent's picture: published ones have one to four. */
const MOST_PIXELS = 16;

/** Colours are between −1 and 1, and latents some units long. */
const MOST_COLOUR = 1e3;

function isColours(value: unknown, channels: number): value is LatentColours {
  if (!isRecord(value)) return false;
  const { pixels, factors, bias } = value;
  if (typeof pixels !== 'number' || !Number.isInteger(pixels)) return false;
  if (pixels < 1 || pixels > MOST_PIXELS) return false;
  const isRow = (row: unknown): boolean =>
    Array.isArray(row) && row.length === 3 * pixels ** 2 && row.every(isColour);
  return (
    isRow(bias) && Array.isArray(factors) && factors.length === channels && factors.every(isRow)
  );
}

function isColour(value: unknown): boolean {
  return typeof value === 'number' && Math.abs(value) <= MOST_COLOUR;
}
