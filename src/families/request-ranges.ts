/** @file What the numbers of a clip may be, whether a request or a checkpoint's own defaults give them. */
import type { NumberRange } from '../config/fields.ts';

/** More steps than any sampler has training timesteps. */
export const INFERENCE_STEPS: NumberRange = { least: 1, most: 1000 };

export const GUIDANCE_SCALE: NumberRange = { least: 0, most: 100 };

/** Frames a second. */
export const FRAME_RATE: NumberRange = { least: 1, most: 240 };
