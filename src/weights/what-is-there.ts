/** @file What a folder has instead of a file with weights that was looked for there. */
import { modelFormat, type ZoetropeError } from '../errors.ts';
import { type FileSource, MissingFile, missingFile, pathIn, type ReadOptions } from './source.ts';
import { byName, isWeightsFile } from './what-is-it.ts';
import { placeFor } from './what-it-holds.ts';

/** Under these names other formats are published. Asked for where a server does not list its files. */
const OTHER_NAMES = [
  'pytorch_model.bin',
  'pytorch_model.bin.index.json',
  'diffusion_pytorch_model.bin',
  'diffusion_pytorch_model.bin.index.json',
  'diffusion_flax_model.msgpack',
  'flax_model.msgpack',
  'tf_model.h5',
  'model.onnx',
];

/** Wan's own repositories have these. */
const ORIGINAL_NAMES = ['Wan2.1_VAE.pth', 'models_t5_umt5-xxl-enc-bf16.pth'];

/** What diffusers and peft call the file of a LoRA, in a folder without anything else of a model. */
export const LORA_NAMES = ['pytorch_lora_weights.safetensors', 'adapter_model.safetensors'];

/** Without a list, models of up to this many shards are found without their index. */
const MOST_PROBED_SHARDS = 8;

/** Names in a message, at the most. */
const MOST_NAMES = 3;

const SHARD = /-\d{5}-of-\d{5}(\.\w+)?\.safetensors$/;

/** Names in a folder of a source: all, or of those that are asked for the ones that are there. */
export async function namesIn(
  source: FileSource,
  folder: string,
  candidates: readonly string[],
  options?: ReadOptions,
): Promise<readonly string[]> {
  const prefix = pathIn(folder, '');
  if (source.list) {
    const paths = await source.list(options).catch(() => []);
    const inside = paths.filter((path) => path.startsWith(prefix));
    return inside.map((path) => path.slice(prefix.length)).filter((name) => !name.includes('/'));
  }
  const isThere = await Promise.all(
    candidates.map((name) => source.exists(prefix + name, options).catch(() => false)),
  );
  return candidates.filter((_, i) => isThere[i]);
}

/** The error for weights that are missing, which says what is there instead. */
export async function missingWeights(
  source: FileSource,
  folder: string,
  stems: readonly string[],
  options?: ReadOptions,
): Promise<ZoetropeError> {
  const wanted = stems.map((stem) => `${stem}.safetensors`);
  const names = await namesIn(source, folder, [...OTHER_NAMES, ...shardNames(stems)], options);
  const missing = missingFile(source, pathIn(folder, wanted.join(' or ')));
  return describeOthers(names, missing.message) ?? missing;
}

/**
 * The error for a folder without the JSON file that makes it a model or a part of one. It says what the folder is instead.
 * @param wanted `model_index.json` or `config.json`.
 */
export async function missingIndex(
  source: FileSource,
  folder: string,
  wanted: string,
  options?: ReadOptions,
): Promise<ZoetropeError> {
  const candidates = [...LORA_NAMES, ...ORIGINAL_NAMES, ...OTHER_NAMES];
  const names = await namesIn(source, folder, candidates, options);
  const missing = missingFile(source, pathIn(folder, wanted));
  if (names.some((name) => LORA_NAMES.includes(name) || name === 'adapter_config.json')) {
    return modelFormat(
      `${missing.message.replace(/\.$/, '')}: it is a LoRA.`,
      placeFor({ kind: 'lora', what: 'a LoRA', isWan: true }),
    );
  }
  const hint =
    wanted === 'model_index.json'
      ? 'A model is a folder with a model_index.json and all parts. Load one, and give a part that is a file of its own as transformer, vae or textEncoderFrom, with the name of the file.'
      : 'Give the path of the file itself, with its name.';
  const nested = await nestedModel(source, folder, options);
  if (nested !== undefined) {
    return new MissingFile(missing.message, `There is a model in its folder ${nested}: give that.`);
  }
  return describeOthers(names, missing.message, hint) ?? missing;
}

/** A folder below this one that is a whole model. */
async function nestedModel(
  source: FileSource,
  folder: string,
  options?: ReadOptions,
): Promise<string | undefined> {
  const prefix = pathIn(folder, '');
  const paths = (await source.list?.(options).catch(() => [])) ?? [];
  const index = paths.find(
    (path) => path.startsWith(prefix) && path.endsWith('/model_index.json') && path !== prefix,
  );
  return index?.slice(prefix.length, -'/model_index.json'.length);
}

function shardNames(stems: readonly string[]): string[] {
  const totals = Array.from({ length: MOST_PROBED_SHARDS - 1 }, (_, i) => i + 2);
  return stems.flatMap((stem) => totals.map((of) => `${stem}-00001-of-0000${of}.safetensors`));
}

/**
 * @param names Of the files that are there.
 * @param missing A sentence about the file that is not.
 * @returns Undefined if nothing there has weights.
 */
export function describeOthers(
  names: readonly string[],
  missing: string,
  hint = 'Give the path of the file itself, with its name.',
): ZoetropeError | undefined {
  const start = missing.replace(/\.$/, '');
  const shards = names.filter((name) => SHARD.test(name));
  if (shards.length > 0) {
    const index = shards[0]?.replace(/-\d{5}-of-\d{5}/, '') ?? '';
    return new MissingFile(
      `${start}, and ${listed(shards)} ${shards.length > 1 ? 'are' : 'is'} without an index.`,
      `Get ${index}.index.json too, from where the shards come from: it says which tensor is in which.`,
    );
  }
  const safetensors = names.filter((name) => isWeightsFile(name) && byName(name) === undefined);
  if (safetensors.length > 0) {
    return new MissingFile(`${start}. What is there is ${listed(safetensors)}.`, hint);
  }
  const others = names
    .map((name) => name.replace(/\.index\.json$/, ''))
    .filter((name) => byName(name) !== undefined);
  const [first = '', ...more] = others;
  const known = byName(first);
  if (!known) return undefined;
  const like = more.length === 0 ? '' : ` (and ${more.length} more like it)`;
  return modelFormat(`${start}. There is ${first}${like}, ${known.what}.`, known.hint);
}

function listed(names: readonly string[]): string {
  const shown = names.slice(0, MOST_NAMES).join(', ');
  return names.length > MOST_NAMES ? `${shown} and ${names.length - MOST_NAMES} more` : shown;
}
