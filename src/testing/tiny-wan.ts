/** @file The files of a very small Wan, without its weights: configurations, a tokenizer, and headers that fit them. */
import tokenizerConfig from '../../models/pocket/tokenizer/tokenizer_config.json' with { type: 'json' };
import tokenizer from '../../models/pocket/tokenizer/tokenizer.json' with { type: 'json' };
import scheduler from '../../models/pocket/scheduler/scheduler_config.json' with { type: 'json' };
import modelIndex from '../../models/pocket/model_index.json' with { type: 'json' };
import zoetrope from '../../models/pocket/zoetrope.json' with { type: 'json' };
import type { ComponentName } from '../families/family.ts';
import { wanArchitecture } from '../families/wan/architecture.ts';
import { parseTransformerConfig, parseUmt5Config, parseVaeConfig } from '../families/wan/config.ts';
import { elementCount } from '../graph/types.ts';
import type { TensorLocator } from '../runtime/stage.ts';
import type { LocatedTensor } from '../weights/component.ts';
import type { WeightNeed } from '../weights/storage-format.ts';
import { type HeadedFile, headedFile } from './memory-source.ts';

const TRANSFORMER = {
  _class_name: 'WanTransformer3DModel',
  patch_size: [1, 2, 2],
  num_attention_heads: 2,
  attention_head_dim: 8,
  in_channels: 4,
  out_channels: 4,
  text_dim: 8,
  freq_dim: 16,
  ffn_dim: 24,
  num_layers: 2,
  cross_attn_norm: true,
  qk_norm: 'rms_norm_across_heads',
  eps: 1e-6,
  rope_max_seq_len: 1024,
  added_kv_proj_dim: null,
  image_dim: null,
};

const VAE = {
  _class_name: 'AutoencoderKLWan',
  base_dim: 4,
  decoder_base_dim: null,
  z_dim: 4,
  dim_mult: [1, 2],
  num_res_blocks: 1,
  attn_scales: [],
  temperal_downsample: [true],
  is_residual: false,
  out_channels: 3,
  patch_size: null,
  latents_mean: [0.1, -0.2, 0.3, -0.4],
  latents_std: [0.7, 1.1, 1.5, 1.9],
};

const TEXT_ENCODER = {
  model_type: 'umt5',
  vocab_size: 231,
  d_model: 8,
  d_kv: 4,
  d_ff: 12,
  num_layers: 2,
  num_heads: 2,
  feed_forward_proj: 'gated-gelu',
  dense_act_fn: 'gelu_new',
  relative_attention_num_buckets: 32,
  relative_attention_max_distance: 128,
  layer_norm_epsilon: 1e-6,
};

/** A clip of one second at the smallest: planning is quick. */
const SETTINGS = {
  ...zoetrope,
  height: 16,
  width: 16,
  numFrames: 5,
  latentColours: {
    pixels: 1,
    factors: VAE.latents_mean.map(() => [0.1, -0.2, 0.3]),
    bias: [0, 0.1, 0.2],
  },
};

type Header = Record<string, { dtype: string; shape: readonly number[]; data_offsets: number[] }>;

export interface TinyFile {
  readonly header: Readonly<Header>;
  readonly dataBytes: number;
}

/** By path: parsed JSON, or a header. */
export function tinyWan(): ReadonlyMap<string, { readonly json: unknown } | TinyFile> {
  const { needs } = tinyNeeds();
  return new Map<string, { json: unknown } | TinyFile>([
    ['model_index.json', { json: modelIndex }],
    ['zoetrope.json', { json: SETTINGS }],
    ['scheduler/scheduler_config.json', { json: scheduler }],
    ['tokenizer/tokenizer.json', { json: tokenizer }],
    ['tokenizer/tokenizer_config.json', { json: tokenizerConfig }],
    ['text_encoder/config.json', { json: TEXT_ENCODER }],
    ['text_encoder/model.safetensors', headerOf(needs.text_encoder)],
    ['transformer/config.json', { json: TRANSFORMER }],
    ['transformer/diffusion_pytorch_model.safetensors', headerOf(needs.transformer)],
    ['vae/config.json', { json: VAE }],
    ['vae/diffusion_pytorch_model.safetensors', headerOf(needs.vae)],
  ]);
}

/** What each component needs of its files. */
export function tinyNeeds(): {
  needs: Readonly<Record<ComponentName, readonly WeightNeed[]>>;
} {
  const architecture = wanArchitecture({
    textEncoder: parseUmt5Config(TEXT_ENCODER),
    transformer: parseTransformerConfig(TRANSFORMER),
    vae: parseVaeConfig(VAE),
  });
  const weights = (component: ComponentName): readonly WeightNeed[] =>
    architecture.weights(component, anything, { linear: 'float32' });
  return {
    needs: {
      text_encoder: weights('text_encoder'),
      transformer: weights('transformer'),
      vae: weights('vae'),
    },
  };
}

/** Has every tensor, in float32. */
const anything: TensorLocator = {
  locate: (_, { sourceShape }) => located(sourceShape),
  find: (_, shape) => located(shape),
};

function located(shape: readonly number[]): LocatedTensor {
  return { file: '', dtype: 'F32', shape, start: 0, end: 4 * elementCount(shape) };
}

/** The header of a safetensors file with these tensors, in this order. */
export function headerOf(tensors: readonly Pick<WeightNeed, 'name' | 'tensor'>[]): TinyFile {
  let end = 0;
  const header: Header = {};
  for (const { name, tensor } of tensors) {
    const start = end;
    end += 4 * elementCount(tensor.shape);
    header[name] = { dtype: 'F32', shape: tensor.shape, data_offsets: [start, end] };
  }
  return { header, dataBytes: end };
}

/** The files as a source has them, with these fields of JSON files instead of their own; undefined removes one. */
export function tinyFiles(
  edits: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {},
  base = tinyWan(),
): Map<string, string | HeadedFile> {
  return new Map(
    [...base].map(([path, file]) => [
      path,
      'header' in file
        ? headedFile(JSON.stringify(file.header), file.dataBytes)
        : JSON.stringify({ ...(file.json as object), ...edits[path] }),
    ]),
  );
}
