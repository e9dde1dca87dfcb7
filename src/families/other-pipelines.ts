/** @file Models that are not supported, by the class that diffusers gives them: what each is, and what runs instead. */
import { modelFormat, type ZoetropeError } from '../errors.ts';

/** By how a class's name begins; the first that matches. */
const KINDS: readonly (readonly [RegExp, string])[] = [
  [/^WanImageToVideo/, 'a Wan that starts from a picture'],
  [/^WanVACE/, 'a Wan VACE, for editing videos'],
  [/^WanAnimate/, 'a Wan Animate, for moving a figure'],
  [/^Wan/, 'a Wan of another kind'],
  [/^HunyuanVideo/, 'a HunyuanVideo'],
  [/^LTX/, 'an LTX-Video'],
  [/^CogVideoX/, 'a CogVideoX'],
  [/^Mochi/, 'a Mochi'],
  [/^Cosmos/, 'a Cosmos'],
  [/^SkyReels/, 'a SkyReels'],
  [
    /^(Allegro|Latte|AnimateDiff|TextToVideo|StableVideo|I2VGen|Sana.*Video)/,
    'another video model',
  ],
  [
    /^(Flux|StableDiffusion|Sana|PixArt|Kandinsky|Lumina|QwenImage|AuraFlow|HunyuanDiT)/,
    'a model for pictures',
  ],
];

/** @param className As `model_index.json` has it, whatever that is. */
export function otherPipeline(source: string, className: unknown): ZoetropeError {
  const instead =
    'Wan text-to-video models in diffusers’ layout are supported (WanPipeline, WanDMDPipeline): Wan-AI/Wan2.1-T2V-1.3B-Diffusers, for example.';
  if (typeof className !== 'string') {
    return modelFormat(
      `${source} is a checkpoint of no named class: its model_index.json has no _class_name.`,
      instead,
    );
  }
  const kind = KINDS.find(([pattern]) => pattern.test(className))?.[1];
  const name = className.slice(0, 80);
  return modelFormat(
    kind === undefined
      ? `${source} is not supported: it is a ${name}.`
      : `${source} is not supported: it is ${kind} (${name}).`,
    instead,
  );
}
