/** @file What the numbers of a `scheduler_config.json` may be. */
import type { NumberRange } from '../config/fields.ts';

/** Published: 1000. Timesteps are embedded as float32, which holds whole numbers far above. */
export const TRAIN_TIMESTEPS: NumberRange = { least: 1, most: 100_000 };

/** Published: 1 to 17. Far beyond, neighbouring sigmas come to the same float32 value. */
export const FLOW_SHIFT: NumberRange = { least: 0.01, most: 100 };

/** Steps of a run, and how many of them may be listed. No step is −1: some files write it for none. */
export const STEP_INDICES: NumberRange & { readonly length: number } = {
  least: -1,
  most: 100_000,
  length: 10_000,
};
