/**
 * @file Wan 2.1 1.3B in diffusers' layout, all its files in their true shapes and with random weights: 11.4 GB of text
 * encoder in five parts, 2.8 GB of transformer, the decoder. The tokenizer is the bundled model's, whose few ids are the
 * first of the vocabulary's.
 */
import { CONFIGS } from '../src/families/catalogue/configs.ts';
import { describedTensors } from '../src/families/catalogue/planned-model.ts';
import type { ComponentName } from '../src/families/family.ts';
import { wanArchitecture } from '../src/families/wan/architecture.ts';
import {
  parseTransformerConfig,
  parseUmt5Config,
  parseVaeConfig,
} from '../src/families/wan/config.ts';
import { elementCount } from '../src/graph/types.ts';
import { type MadeUpFile, type NamedShape, textFile, weightsFile } from './made-up-file.ts';

/** Parameters of the published checkpoint's transformer: what our reading of its shapes is held against. */
export const PUBLISHED_PARAMETERS = 1_418_996_800;
export const PUBLISHED_LAYERS = 30;
const TEXT_LAYERS = 24;
const TEXT_SHARDS = 5;

/** Two names of one table, as transformers may save both. */
const EMBEDDING_COPY = 'encoder.embed_tokens.weight';

const MODEL_INDEX = {
  _class_name: 'WanPipeline',
  scheduler: ['diffusers', 'UniPCMultistepScheduler'],
  text_encoder: ['transformers', 'UMT5EncoderModel'],
  tokenizer: ['transformers', 'T5TokenizerFast'],
  transformer: ['diffusers', 'WanTransformer3DModel'],
  vae: ['diffusers', 'AutoencoderKLWan'],
};

const SCHEDULER = {
  _class_name: 'UniPCMultistepScheduler',
  flow_shift: 3,
  num_train_timesteps: 1000,
  prediction_type: 'flow_prediction',
  solver_order: 2,
  solver_type: 'bh2',
  use_flow_sigmas: true,
};

export interface WanParts {
  /** Of the transformer, and of the text encoder if it has more. */
  readonly layers: number;
  /** Contents of the bundled tokenizer's files by name. */
  readonly tokenizer: Readonly<Record<string, string>>;
}

/** @returns The files by path. */
export function madeUpWan({ layers, tokenizer }: WanParts): ReadonlyMap<string, MadeUpFile> {
  const configs = configsOf(layers);
  const tensors = tensorsOf(configs);
  const { text_encoder: text } = tensors;
  const table = text.find(({ name }) => name === 'shared.weight');
  if (table) text.push({ ...table, name: EMBEDDING_COPY });
  const shards = cutIntoShards(text, TEXT_SHARDS);
  const shardName = (index: number): string =>
    `model-${String(index + 1).padStart(5, '0')}-of-${String(TEXT_SHARDS).padStart(5, '0')}.safetensors`;
  const weightMap = Object.fromEntries(
    shards.flatMap((shard, i) => shard.map(({ name }) => [name, shardName(i)])),
  );
  return new Map([
    ['model_index.json', jsonFile(MODEL_INDEX)],
    ['scheduler/scheduler_config.json', jsonFile(SCHEDULER)],
    ...Object.entries(tokenizer).map(
      ([name, text]) => [`tokenizer/${name}`, textFile(text)] as const,
    ),
    ['text_encoder/config.json', jsonFile(configs.text_encoder)],
    [
      'text_encoder/model.safetensors.index.json',
      jsonFile({ metadata: {}, weight_map: weightMap }),
    ],
    ...shards.map((shard, i) => [`text_encoder/${shardName(i)}`, weightsFile(shard)] as const),
    ['transformer/config.json', jsonFile(configs.transformer)],
    ['transformer/diffusion_pytorch_model.safetensors', weightsFile(tensors.transformer)],
    ['vae/config.json', jsonFile(configs.vae)],
    ['vae/diffusion_pytorch_model.safetensors', weightsFile(tensors.vae)],
  ]);
}

/** Tensors of each component, as {@link madeUpWan} has them. */
export function wanTensors(layers: number): Readonly<Record<ComponentName, readonly NamedShape[]>> {
  return tensorsOf(configsOf(layers));
}

function configsOf(layers: number): Record<ComponentName, object> {
  const raw = CONFIGS['wan-1.3b'];
  return {
    text_encoder: { ...raw.textEncoder, num_layers: Math.min(layers, TEXT_LAYERS) },
    transformer: { ...raw.transformer, num_layers: layers },
    vae: raw.vae,
  };
}

function jsonFile(value: unknown): MadeUpFile {
  return textFile(JSON.stringify(value));
}

/** What a run needs of each component, in the order in which stages need it. */
function tensorsOf(
  configs: Readonly<Record<ComponentName, unknown>>,
): Record<ComponentName, NamedShape[]> {
  const architecture = wanArchitecture({
    textEncoder: parseUmt5Config(configs.text_encoder),
    transformer: parseTransformerConfig(configs.transformer),
    vae: parseVaeConfig(configs.vae),
  });
  const of = (component: ComponentName): NamedShape[] =>
    architecture
      .weights(component, describedTensors('BF16'), { linear: 'float32' })
      .map(({ name, tensor: { shape } }) => ({ name, shape }));
  return { text_encoder: of('text_encoder'), transformer: of('transformer'), vae: of('vae') };
}

/** Of about equal sizes, in order. */
function cutIntoShards(tensors: readonly NamedShape[], count: number): NamedShape[][] {
  const total = tensors.reduce((sum, { shape }) => sum + elementCount(shape), 0);
  const shards: NamedShape[][] = Array.from({ length: count }, () => []);
  let before = 0;
  for (const tensor of tensors) {
    shards[Math.min(count - 1, Math.floor((count * before) / total))]?.push(tensor);
    before += elementCount(tensor.shape);
  }
  return shards;
}
