/**
 * @file Stops a run whose numbers are lost. Values that are not finite spread with every step and end as a black or gray
 * clip. Everything that is checked here is in RAM anyway. An error names the part, and the step at which it began.
 */
import { ZoetropeError } from '../errors.ts';
import type { HostFrames } from '../decode/decoder-plan.ts';
import type { ModelCheckpoint, PartName } from '../families/family.ts';
import { countUnusableValues, describeUnusable, hasUnusableValue } from '../weights/finite.ts';
import type { GenerationParameters } from './api.ts';
import type { MemorySettings } from './memory-settings.ts';

const TITLES: Readonly<Record<PartName, string>> = {
  text_encoder: 'text encoder',
  transformer: 'transformer',
  vae: 'decoder',
  fast_decoder: 'fast decoder',
};

/** What may be to blame for what a part of the model makes, besides a damaged weight. */
export interface Suspects {
  readonly memory: Pick<MemorySettings, 'dtype' | 'weights'>;
  readonly checkpoint: Pick<ModelCheckpoint, 'loras'>;
}

/**
 * Checks what a part of the model made.
 * @param where Its place in the run: `at step 3 of 20`.
 * @throws ZoetropeError `non-finite`.
 */
export function checkMade(
  values: Float32Array,
  part: PartName,
  where: string,
  suspects: Suspects,
): void {
  check(values, `The ${TITLES[part]} made`, where, () => adviceOn(part, suspects));
}

/**
 * Checks latents before and after a step whose model outputs are finite.
 * @param what The subject of the message: `The sampler made`.
 * @throws ZoetropeError `non-finite`.
 */
export function checkSampled(
  values: Float32Array,
  what: string,
  where: string,
  parameters: GenerationParameters,
): void {
  check(values, what, where, () => {
    const { timesteps, sigmas, flowShift, initNoiseSigma, guidanceScale } = parameters;
    const given = Object.entries({ timesteps, sigmas, flowShift, initNoiseSigma, guidanceScale })
      .filter(([, value]) => value !== undefined)
      .map(([name]) => name);
    return `The model's own values are finite. Change or leave out these options: scheduler, ${given.join(', ')}.`;
  });
}

/**
 * Checks a latent frame that was scaled for a decoder.
 * @param index From 0.
 * @throws ZoetropeError `non-finite`.
 */
export function checkDecoderInput(values: Float32Array, part: PartName, index: number): void {
  check(
    values,
    `Scaling latents for the ${TITLES[part]} made`,
    `in latent frame ${index + 1}`,
    () =>
      'The latents_mean or latents_std of its config.json is wrong, or the latents themselves are far too large. Choose another model, or leave out the sampler options.',
  );
}

/**
 * Checks decoded pictures, one by one.
 * @param firstFrame Index of the first of them in the clip. @param totalFrames Frames of the clip.
 * @throws ZoetropeError `non-finite`.
 */
export function checkPictures(
  { data, shape: [count = 1] }: HostFrames,
  part: PartName,
  firstFrame: number,
  totalFrames: number,
  suspects: Suspects,
): void {
  const length = data.length / count;
  for (let i = 0; i < count; i++) {
    const where = `in frame ${firstFrame + i + 1} of ${totalFrames}`;
    checkMade(data.subarray(i * length, (i + 1) * length), part, where, suspects);
  }
}

function check(values: Float32Array, what: string, where: string, hint: () => string): void {
  if (!hasUnusableValue(values)) return;
  const found = describeUnusable(countUnusableValues(values));
  throw new ZoetropeError(
    'non-finite',
    `${what} values that are not finite ${where} (${found} of ${values.length}).`,
    hint(),
  );
}

/** Likely causes first. */
function adviceOn(part: PartName, { memory, checkpoint }: Suspects): string {
  const { dtype, weights } = memory;
  const format = part === 'text_encoder' || part === 'transformer' ? weights[part] : undefined;
  const isHalf = format !== undefined && format !== 'f32' && dtype === 'float16';
  return [
    ...(part === 'transformer' && checkpoint.loras.length > 0
      ? ['Give the LoRA a smaller scale.']
      : []),
    ...(isHalf ? ["Its numbers may be too large for float16: load it with dtype 'float32'."] : []),
    ...(format === 'q4' ? ["Four bits may be too few for it: load it with weights 'q8'."] : []),
    'A weight may be damaged: delete the stored copy of the model, download it again, or choose another one.',
  ].join(' ');
}
