/**
 * @file What a run uses where a request says nothing: `WanPipeline`'s own defaults, or those in an optional
 * `zoetrope.json` beside `model_index.json`, for checkpoints whose size and steps differ from Wan's.
 */
import { modelFormat } from '../../errors.ts';
import { type FileSource, readJson, type ReadOptions } from '../../weights/source.ts';
import type { GenerationDefaults } from '../family.ts';

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

export async function readDefaults(
  source: FileSource,
  maxSequenceLength: number,
  options?: ReadOptions,
): Promise<GenerationDefaults> {
  const defaults: GenerationDefaults = { ...WAN_DEFAULTS, maxSequenceLength };
  if (!(await source.exists(FILE, options))) return defaults;
  const given = (await readJson(source, FILE, options)) as Record<string, unknown> | null;
  for (const [name, value] of Object.entries(given ?? {})) {
    if (!(name in defaults) || typeof value !== 'number' || !Number.isFinite(value) || value <= 0) {
      throw modelFormat(`${FILE} of ${source.name}: ${name} is no default.`, 'Mend or remove it.');
    }
  }
  return { ...defaults, ...given };
}
