/**
 * @file Names of the VAE's tensors in Wan's own file, as diffusers calls the same ones. Wan 2.1's form, whose blocks are
 * one flat list. Reference: diffusers `convert_wan_vae_to_diffusers`.
 */
import type { NameMap } from '../../weights/component.ts';

const OUTER: ReadonlyMap<string, string> = new Map([
  ['conv1', 'quant_conv'],
  ['conv2', 'post_quant_conv'],
]);

const ENDS: readonly (readonly [string, string])[] = [
  ['conv1', 'conv_in'],
  ['head.0', 'norm_out'],
  ['head.2', 'conv_out'],
  ['middle.0', 'mid_block.resnets.0'],
  ['middle.1', 'mid_block.attentions.0'],
  ['middle.2', 'mid_block.resnets.1'],
];

/** Parts of a residual block. */
const RESIDUAL: readonly (readonly [string, string])[] = [
  ['residual.0.', 'norm1.'],
  ['residual.2.', 'conv1.'],
  ['residual.3.', 'norm2.'],
  ['residual.6.', 'conv2.'],
  ['shortcut.', 'conv_shortcut.'],
];

/** Every block of the decoder has two residual blocks and one more, then, but for the last, an upsampler. */
const BLOCK_LENGTH = 4;

/** The VAE's: a file is taken for the original's by its head. */
export const vaeNames: NameMap = (names) =>
  names.includes('decoder.head.2.weight') ? fromOriginal : (name) => name;

function fromOriginal(name: string): string {
  const [, side, rest = ''] = /^(encoder|decoder)\.(.+)$/.exec(name) ?? [];
  if (side === undefined) {
    const [module = '', parameter = ''] = name.split('.');
    const known = OUTER.get(module);
    return known === undefined ? name : `${known}.${parameter}`;
  }
  for (const [original, known] of ENDS) {
    if (!rest.startsWith(`${original}.`)) continue;
    return `${side}.${known}.${residual(rest.slice(original.length + 1))}`;
  }
  const [, list, number = '', part = ''] =
    /^(downsamples|upsamples)\.(\d+)\.(.+)$/.exec(rest) ?? [];
  if (list === 'downsamples') return `${side}.down_blocks.${number}.${residual(part)}`;
  if (list !== 'upsamples') return name;
  const block = Math.floor(Number(number) / BLOCK_LENGTH);
  const index = Number(number) % BLOCK_LENGTH;
  const place = index === BLOCK_LENGTH - 1 ? 'upsamplers.0' : `resnets.${index}`;
  return `${side}.up_blocks.${block}.${place}.${residual(part)}`;
}

function residual(part: string): string {
  const found = RESIDUAL.find(([original]) => part.startsWith(original));
  return found ? found[1] + part.slice(found[0].length) : part;
}
