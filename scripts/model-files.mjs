/** @file Which files of a folder are a model's, by their names: a folder may hold private files too. */
import { basename } from 'node:path';

/** Configurations, in diffusers' names. */
const CONFIGURATION =
  /^(?:model_index|config|configuration|zoetrope|[a-z_]+_config|.*\.index(?:\.\w+)?)\.json$/;

const TOKENIZER =
  /^(?:(?:tokenizer|vocab|added_tokens|special_tokens_map)\.json|(?:merges|vocab)\.txt|.+\.model)$/;

/** The others cannot be read as models, but messages can say what they are. */
const WEIGHTS =
  /\.(?:safetensors|sft|gguf|ggml|pth|pt|ckpt|bin|pkl|onnx|msgpack|h5|hdf5|npz|npy)$/i;

/** @param {string} path In a model's folder. */
export function isModelFile(path) {
  const name = basename(path);
  return [CONFIGURATION, TOKENIZER, WEIGHTS].some((kind) => kind.test(name));
}

/**
 * What may be read of the folder that a file is in: the file, and the configurations beside it.
 * @param {string} file
 */
export function isFileOrItsConfiguration(file) {
  /** @param {string} path */
  return (path) => path === file || (!path.includes('/') && CONFIGURATION.test(path));
}
