/**
 * @file Names of tensors: those of Wan's own repositories, as diffusers calls the same ones. Everything behind the
 * reading of headers knows diffusers' names only. Reference: diffusers `convert_wan_transformer_to_diffusers`.
 */
import type { NameMap } from '../../weights/component.ts';

/** Parts of a block, `blocks.<i>.…`, without `.weight` and `.bias`: the original's name, then diffusers'. */
const BLOCK_PARTS: readonly (readonly [string, string])[] = [
  ...(['self_attn', 'cross_attn'] as const).flatMap((attention, index) =>
    [
      ['q', 'to_q'],
      ['k', 'to_k'],
      ['v', 'to_v'],
      ['o', 'to_out.0'],
      ['norm_q', 'norm_q'],
      ['norm_k', 'norm_k'],
    ].map(([part, name]) => [`${attention}.${part}`, `attn${index + 1}.${name}`] as const),
  ),
  ['ffn.0', 'ffn.net.0.proj'],
  ['ffn.2', 'ffn.net.2'],
  // The original numbers norms in the order in which they were written, diffusers in that in which they run.
  ['norm3', 'norm2'],
  ['modulation', 'scale_shift_table'],
];

const OUTER_PARTS: readonly (readonly [string, string])[] = [
  ['patch_embedding', 'patch_embedding'],
  ['time_embedding.0', 'condition_embedder.time_embedder.linear_1'],
  ['time_embedding.2', 'condition_embedder.time_embedder.linear_2'],
  ['time_projection.1', 'condition_embedder.time_proj'],
  ['text_embedding.0', 'condition_embedder.text_embedder.linear_1'],
  ['text_embedding.2', 'condition_embedder.text_embedder.linear_2'],
  ['head.modulation', 'scale_shift_table'],
  ['head.head', 'proj_out'],
];

const BLOCK = /^blocks\.(\d+)\.(.+)$/;

/** As ComfyUI's repackaged files have it. */
const PREFIX = 'model.diffusion_model.';

type Parts = ReadonlyMap<string, string>;

const fromOriginal = { block: new Map(BLOCK_PARTS), outer: new Map(OUTER_PARTS) };

/**
 * A module or a parameter without a module of the transformer, as diffusers calls it; undefined if it is none of the
 * original's.
 * @param module `blocks.0.self_attn.q`, `head.modulation`.
 */
export function originalModule(module: string): string | undefined {
  return lookUp(module, fromOriginal.block, fromOriginal.outer);
}

function lookUp(module: string, blockParts: Parts, outerParts: Parts): string | undefined {
  const [, block, part = ''] = BLOCK.exec(module) ?? [];
  if (block === undefined) return outerParts.get(module);
  const name = blockParts.get(part);
  return name === undefined ? undefined : `blocks.${block}.${name}`;
}

/** Kohya's trainers write `_` for every `.`: the parts of either library, flat, as diffusers calls them. */
const flat = (parts: readonly (readonly [string, string])[]): Parts =>
  new Map(
    parts.flatMap(([original, name]) =>
      [original, name].map((each) => [each.replaceAll('.', '_'), name] as const),
    ),
  );
const fromFlat = { block: flat(BLOCK_PARTS), outer: flat(OUTER_PARTS) };

/** As {@link originalModule}, of `blocks_0_self_attn_q` or `blocks_0_attn1_to_q`. */
export function flatModule(module: string): string | undefined {
  return lookUp(module.replace(/^blocks_(\d+)_/, 'blocks.$1.'), fromFlat.block, fromFlat.outer);
}

/** The transformer's: a file is taken for the original's by its head, since `norm2` means another norm in each. */
export const transformerNames: NameMap = (names) => {
  const hasPrefix = names.some((name) => name.startsWith(PREFIX));
  const bare = (name: string): string =>
    hasPrefix && name.startsWith(PREFIX) ? name.slice(PREFIX.length) : name;
  if (!names.some((name) => bare(name) === 'head.head.weight')) return bare;
  return (name) => {
    const whole = bare(name);
    const [, module = whole, parameter = ''] = /^(.+)(\.(?:weight|bias))$/.exec(whole) ?? [];
    const known = originalModule(module);
    return known === undefined ? whole : known + parameter;
  };
};
