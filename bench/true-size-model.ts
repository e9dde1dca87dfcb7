/** @file The transformer of Wan 2.1 1.3B as published: its configuration, and through it the names and shapes of tensors. */
import { parseTransformerConfig } from '../src/families/wan/config.ts';
import { allStages, transformerStages } from '../src/families/wan/transformer.ts';

/** Parameters of the published checkpoint's transformer: what our reading of its shapes is held against. */
export const PUBLISHED_PARAMETERS = 1_418_996_800;
export const PUBLISHED_LAYERS = 30;

/** `transformer/config.json` of Wan-AI/Wan2.1-T2V-1.3B-Diffusers. */
export function publishedConfig(layers: number): Record<string, unknown> {
  return {
    _class_name: 'WanTransformer3DModel',
    added_kv_proj_dim: null,
    attention_head_dim: 128,
    cross_attn_norm: true,
    eps: 1e-6,
    ffn_dim: 8960,
    freq_dim: 256,
    image_dim: null,
    in_channels: 16,
    num_attention_heads: 12,
    num_layers: layers,
    out_channels: 16,
    patch_size: [1, 2, 2],
    qk_norm: 'rms_norm_across_heads',
    rope_max_seq_len: 1024,
    text_dim: 4096,
  };
}

export interface NamedShape {
  readonly name: string;
  readonly shape: readonly number[];
}

/** All tensors, in the order in which stages need them. */
export function checkpointTensors(layers: number): readonly NamedShape[] {
  const config = parseTransformerConfig(publishedConfig(layers));
  const latents = { channels: 16, frames: 1, height: 2, width: 2 };
  const stages = transformerStages(config, { latents, textTokens: 1 }, { linear: 'float32' });
  const shapes = new Map<string, readonly number[]>();
  for (const { graph, prefix } of allStages(stages)) {
    for (const { source, sourceShape } of graph.weights) shapes.set(prefix + source, sourceShape);
  }
  return [...shapes].map(([name, shape]) => ({ name, shape }));
}
