/**
 * @file The configurations of the catalogue's models, as their `config.json` files have them: with these, what a model
 * takes is known before a byte of it is fetched. The bundled model's are its files themselves.
 */
import textEncoder from '../../../models/pocket/text_encoder/config.json' with { type: 'json' };
import transformer from '../../../models/pocket/transformer/config.json' with { type: 'json' };
import vae from '../../../models/pocket/vae/config.json' with { type: 'json' };
import type { TaehvLayout } from '../taehv/layout.ts';
import type { ArchitectureId, FastDecoderId } from './model-entry.ts';

type Json = Readonly<Record<string, unknown>>;

export interface RawConfigs {
  readonly textEncoder: Json;
  readonly transformer: Json;
  readonly vae: Json;
}

/** google/umt5-xxl's encoder, 5.68 billion parameters. */
const UMT5_XXL: Json = {
  model_type: 'umt5',
  vocab_size: 256384,
  d_model: 4096,
  d_kv: 64,
  d_ff: 10240,
  num_layers: 24,
  num_heads: 64,
  feed_forward_proj: 'gated-gelu',
  dense_act_fn: 'gelu_new',
  relative_attention_num_buckets: 32,
  relative_attention_max_distance: 128,
  layer_norm_epsilon: 1e-6,
};

const WAN_21_VAE: Json = {
  _class_name: 'AutoencoderKLWan',
  base_dim: 96,
  z_dim: 16,
  dim_mult: [1, 2, 4, 4],
  num_res_blocks: 2,
  attn_scales: [],
  temperal_downsample: [false, true, true],
  latents_mean: [
    -0.7571, -0.7089, -0.9113, 0.1075, -0.1745, 0.9653, -0.1517, 1.5508, 0.4134, -0.0715, 0.5517,
    -0.3632, -0.1922, -0.9497, 0.2503, -0.2921,
  ],
  latents_std: [
    2.8184, 1.4541, 2.3275, 2.6558, 1.2196, 1.7708, 2.6052, 2.0743, 3.2687, 2.1526, 2.8652, 1.5579,
    1.6382, 1.1253, 2.8251, 1.916,
  ],
};

const WAN_21_TRANSFORMER: Json = {
  _class_name: 'WanTransformer3DModel',
  patch_size: [1, 2, 2],
  attention_head_dim: 128,
  in_channels: 16,
  out_channels: 16,
  text_dim: 4096,
  freq_dim: 256,
  cross_attn_norm: true,
  qk_norm: 'rms_norm_across_heads',
  eps: 1e-6,
  rope_max_seq_len: 1024,
};

export const CONFIGS: Readonly<Record<ArchitectureId, RawConfigs>> = {
  pocket: { textEncoder, transformer, vae },
  'wan-1.3b': {
    textEncoder: UMT5_XXL,
    transformer: {
      ...WAN_21_TRANSFORMER,
      num_attention_heads: 12,
      ffn_dim: 8960,
      num_layers: 30,
    },
    vae: WAN_21_VAE,
  },
  'wan-14b': {
    textEncoder: UMT5_XXL,
    transformer: {
      ...WAN_21_TRANSFORMER,
      num_attention_heads: 40,
      ffn_dim: 13824,
      num_layers: 40,
    },
    vae: WAN_21_VAE,
  },
};

/** The tensors of `taew2_1`, as its published code makes them. */
export const FAST_DECODERS: Readonly<Record<FastDecoderId, TaehvLayout>> = {
  taew2_1: { latentChannels: 16, widths: [256, 128, 64, 64], growth: [1, 2, 2], patchSize: 1 },
};
