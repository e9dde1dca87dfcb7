/** @file A LoRA of true size, named as diffusers names it: two random matrices for each linear layer of a transformer's blocks. */
import { type MadeUpFile, type NamedShape, weightsFile } from './made-up-file.ts';
import { wanTensors } from './made-up-wan.ts';

export const LORA_FILE = 'pytorch_lora_weights.safetensors';

/** @returns The files by path. */
export function madeUpLora(layers: number, rank: number): ReadonlyMap<string, MadeUpFile> {
  const tensors = wanTensors(layers).transformer.flatMap(({ name, shape }): NamedShape[] => {
    const [, module] = /^(blocks\..+)\.weight$/.exec(name) ?? [];
    const [rows, columns] = shape;
    if (module === undefined || rows === undefined || columns === undefined) return [];
    return [
      { name: `transformer.${module}.lora_A.weight`, shape: [rank, columns] },
      { name: `transformer.${module}.lora_B.weight`, shape: [rows, rank] },
    ];
  });
  return new Map([[LORA_FILE, weightsFile(tensors)]]);
}
