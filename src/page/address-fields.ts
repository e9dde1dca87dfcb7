/** @file Which fields of the form the page's address may fill in. */
import { PART_FIELDS } from './model-parts.ts';

/** Ids of the fields with an address in them, which may be signed or have a password in it. */
export const PLACES: readonly string[] = ['model', 'fast-decoder', 'lora', ...PART_FIELDS];

/**
 * Ids of all fields that an address may fill in. The maker of a link decides what stands in them: so never a secret, nor
 * what is done with one, nor what only a person may decide.
 */
export const ADDRESS_FIELDS: ReadonlySet<string> = new Set(
  [
    ...PLACES,
    'prompt negative-prompt seed revision device dtype storage decode',
    'width height num-frames frame-rate max-sequence-length',
    'num-inference-steps guidance-scale scheduler flow-shift',
    'timesteps sigmas init-noise-sigma',
    'memory weights ram guidance tile',
  ].flatMap((names) => names.split(' ')),
);
