/** @file LoRAs of a Wan: which tensor of the transformer each of their modules is for. */
import type { Lora, LoraTarget } from '../../weights/lora-file.ts';
import type { WeightNeed } from '../../weights/storage-format.ts';
import { flatModule, originalModule } from './names.ts';

/** @param needs Of the transformer. */
export function loraTarget(needs: readonly WeightNeed[]): LoraTarget {
  const shapes = new Map(needs.map(({ name, tensor }) => [name, tensor.shape]));
  return {
    shapes,
    // A name that is not the original's is diffusers' own, or matches nothing.
    moduleName: (module, isFlat) =>
      isFlat ? flatModule(module) : (originalModule(module) ?? module),
    modulationOf: (module) => originalModule(`${module}.modulation`),
    otherKind(module, shape) {
      const kind = OTHER_KINDS.find(([pattern]) => pattern.test(module))?.[1];
      if (kind !== undefined) return kind;
      // Image-to-video models have a mask and a picture beside the latents.
      const channels = shapes.get('patch_embedding.weight')?.[1] ?? Infinity;
      const isWider = /^patch_embedding$/.test(module) && (shape?.[1] ?? 0) > channels;
      return isWider ? 'image-to-video models' : undefined;
    },
    sizeOf: (width) => SIZES[width],
  };
}

/** Modules of other kinds of Wan, in the names of either library; flat ones have `_` for every dot. */
const OTHER_KINDS: readonly (readonly [RegExp, string])[] = [
  [
    /(^|[._])(k_img|v_img|norm_k_img|add_k_proj|add_v_proj|norm_added_[kq]|img_emb|image_embedder)([._]|$)/,
    'image-to-video models',
  ],
  [/^vace_/, 'VACE models'],
  [/^(motion_encoder|face_adapter|face_encoder|pose_patch_embedding)/, 'Wan Animate models'],
];

/** Published Wans, by their width. */
const SIZES: Readonly<Record<number, string>> = {
  1536: 'Wan 1.3B',
  3072: 'Wan 2.2 5B',
  5120: 'Wan 14B',
};

/** The needs, with what all LoRAs add to each tensor. */
export function withAdditions(needs: readonly WeightNeed[], loras: readonly Lora[]): WeightNeed[] {
  return needs.map((need) => {
    const additions = loras.flatMap((lora) => lora.additions.get(need.name) ?? []);
    return additions.length === 0 ? need : { ...need, additions };
  });
}
