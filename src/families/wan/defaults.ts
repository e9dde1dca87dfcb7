/**
 * @file What a checkpoint says of itself in an optional `zoetrope.json` beside `model_index.json`: what a run uses where a
 * request says nothing, where that differs from `WanPipeline`'s own defaults, how its latents look, and what it was taught to draw.
 */
import { modelFormat } from '../../errors.ts';
import { type FileSource, readJson, type ReadOptions } from '../../weights/source.ts';
import type { GenerationDefaults, LatentColours, PromptVocabulary } from '../family.ts';
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
  options?: ReadOptions,
): Promise<CheckpointSettings> {
  const defaults: GenerationDefaults = { ...WAN_DEFAULTS, maxSequenceLength };
  if (!(await source.exists(FILE, options))) return { defaults };
  const json = (await readJson(source, FILE, options)) as Record<string, unknown> | null;
  const { latentColours, prompts, ...given } = json ?? {};
  for (const [name, value] of Object.entries(given)) {
    if (!(name in defaults) || typeof value !== 'number' || !Number.isFinite(value) || value <= 0) {
      throw modelFormat(`${FILE} of ${source.name}: ${name} is no default.`, 'Mend or remove it.');
    }
  }
  if (latentColours !== undefined && !isColours(latentColours, latentChannels)) {
    throw modelFormat(
      `${FILE} of ${source.name}: latentColours has no row of 3 · pixels² numbers for each of ${latentChannels} channels.`,
      'Mend or remove it.',
    );
  }
  const fault = prompts === undefined ? undefined : faultOfVocabulary(prompts);
  if (fault !== undefined) {
    throw modelFormat(`${FILE} of ${source.name}: prompts${fault}.`, 'Mend or remove it.');
  }
  return {
    defaults: { ...defaults, ...given },
    ...(latentColours ? { latentColours } : {}),
    ...(prompts ? { prompts: prompts as PromptVocabulary } : {}),
  };
}

function isColours(value: unknown, channels: number): value is LatentColours {
  const { pixels, factors, bias } = (value ?? {}) as Partial<Record<keyof LatentColours, unknown>>;
  if (typeof pixels !== 'number' || !Number.isInteger(pixels) || pixels < 1) return false;
  const isRow = (row: unknown): boolean =>
    Array.isArray(row) && row.length === 3 * pixels ** 2 && row.every(Number.isFinite);
  return (
    isRow(bias) && Array.isArray(factors) && factors.length === channels && factors.every(isRow)
  );
}
