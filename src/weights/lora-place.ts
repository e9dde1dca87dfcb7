/** @file Which file of a place is the LoRA, and whether a file is one. */
import { modelFormat } from '../errors.ts';
import { type FilesAt, findFile, missingFile, pathIn, type ReadOptions } from './source.ts';
import { describeOthers, LORA_NAMES, namesIn } from './what-is-there.ts';
import { placeFor, whatItHolds } from './what-it-holds.ts';

/**
 * A file that is named; in a folder, the one with a usual name.
 * @throws ZoetropeError `model-format` if there is none, saying what there is.
 */
export async function fileOfLora(at: FilesAt, options?: ReadOptions): Promise<string> {
  const path = await findFile(at, LORA_NAMES, options);
  if (path !== undefined) return path;
  const names = await namesIn(at.source, at.path, ['adapter_model.bin'], options);
  const { message } = missingFile(at.source, pathIn(at.path, LORA_NAMES.join(' or ')));
  throw (
    describeOthers(names, message) ??
    modelFormat(message, 'Give the path of the LoRA’s .safetensors file, with its name.')
  );
}

/** @throws ZoetropeError `model-format` for what is known to be no LoRA, or one for another family of models. */
export function refuseOther(where: string, names: Iterable<string>): void {
  const held = whatItHolds(names);
  if (!held) return;
  if (held.kind !== 'lora') {
    throw modelFormat(`${where} is ${held.what}, not a LoRA.`, placeFor(held));
  }
  if (held.isWan || held.what === 'a LoRA') return;
  throw modelFormat(
    `${where} is ${held.what}, and this model is a Wan.`,
    'Choose a LoRA that was made for Wan text-to-video.',
  );
}
