/** @file LoRAs of a Wan: which tensor of the transformer each of their modules is for. */
import type { Lora, LoraTarget } from '../../weights/lora-file.ts';
import type { WeightNeed } from '../../weights/storage-format.ts';
import { flatModule, originalModule } from './names.ts';

/** @param needs Of the transformer. */
export function loraTarget(needs: readonly WeightNeed[]): LoraTarget {
  return {
    shapes: new Map(needs.map(({ name, tensor }) => [name, tensor.shape])),
    // A name that is not the original's is diffusers' own, or matches nothing.
    moduleName: (module, isFlat) =>
      isFlat ? flatModule(module) : (originalModule(module) ?? module),
    modulationOf: (module) => originalModule(`${module}.modulation`),
  };
}

/** The needs, with what all LoRAs add to each tensor. */
export function withAdditions(needs: readonly WeightNeed[], loras: readonly Lora[]): WeightNeed[] {
  return needs.map((need) => {
    const additions = loras.flatMap((lora) => lora.additions.get(need.name) ?? []);
    return additions.length === 0 ? need : { ...need, additions };
  });
}
