/**
 * @file The graphs of Wan's diffusion transformer, from its parts up to a block. Reference: diffusers
 * `WanTransformer3DModel`. S tokens of video, L of text, D = heads · headDim. Only the blocks' linear layers are ever
 * quantized: what embeds patches, text and time, and the head, is 2 % of the weights and all of the model's ends.
 */
import {
  add,
  addScalar,
  attention,
  blockLinear,
  geluTanh,
  type Graph,
  GraphBuilder,
  layerNorm,
  linear,
  linearLayer,
  mul,
  type Precision,
  reshape,
  rmsNorm,
  rotaryEmbedding,
  silu,
  split,
  type Value,
} from '../../graph/index.ts';
import type { WanTransformerConfig } from './config.ts';

export function innerDim(config: WanTransformerConfig): number {
  return config.numAttentionHeads * config.attentionHeadDim;
}

/** Rotary tables, `[S, headDim / 2]`. */
export interface Rotary {
  readonly cos: Value;
  readonly sin: Value;
}

/**
 * Attention with RMS-normed queries and keys (over all heads together), and its output projection.
 * @param x `[1, S, D]`; @param context `[1, T, D]`: `x` itself for self-attention.
 */
export function wanAttention(
  g: GraphBuilder,
  config: WanTransformerConfig,
  precision: Precision,
  name: string,
  x: Value,
  context: Value,
  rotary?: Rotary,
): Value {
  const heads = config.numAttentionHeads;
  const width = innerDim(config);
  const project = (input: Value, part: string): Value =>
    blockLinear(g, input, `${name}.${part}`, width, precision);
  const normed = (input: Value, part: 'q' | 'k'): Value => {
    const scale = g.weight(`${name}.norm_${part}.weight`, 'float32', [width]);
    const value = rmsNorm(g, project(input, `to_${part}`), scale, config.eps);
    return rotary ? rotaryEmbedding(g, value, rotary.cos, rotary.sin, heads) : value;
  };
  const attended = attention(
    g,
    normed(x, 'q'),
    normed(context, 'k'),
    project(context, 'to_v'),
    heads,
  );
  return project(attended, 'to_out.0');
}

/** Linear, tanh-GELU, linear. */
export function feedForward(
  g: GraphBuilder,
  config: WanTransformerConfig,
  precision: Precision,
  x: Value,
): Value {
  const wide = geluTanh(g, blockLinear(g, x, 'ffn.net.0.proj', config.ffnDim, precision));
  return blockLinear(g, wide, 'ffn.net.2', innerDim(config), precision);
}

/** LayerNorm without affine, then adaptive scale and shift `[1, 1, D]` (Peebles & Xie 2023). */
export function modulatedNorm(
  g: GraphBuilder,
  x: Value,
  eps: number,
  scale: Value,
  shift: Value,
): Value {
  return add(g, mul(g, layerNorm(g, x, eps), addScalar(g, scale, 1)), shift);
}

/**
 * One block. Inputs: `hidden` `[1, S, D]`, `text` `[1, L, D]`, `modulation` `[1, 6, D]`, `cos` and `sin`
 * `[S, headDim / 2]`. Output: `output` `[1, S, D]`.
 */
export function blockGraph(
  config: WanTransformerConfig,
  tokens: number,
  textTokens: number,
  precision: Precision,
): Graph {
  const width = innerDim(config);
  const g = new GraphBuilder(`wan block ${tokens}x${textTokens}`);
  const hidden = g.input('hidden', 'float32', [1, tokens, width]);
  const text = g.input('text', 'float32', [1, textTokens, width]);
  const modulation = g.input('modulation', 'float32', [1, 6, width]);
  const tableShape = [tokens, config.attentionHeadDim / 2];
  const cos = g.input('cos', 'float32', tableShape);
  const sin = g.input('sin', 'float32', tableShape);

  const table = g.weight('scale_shift_table', 'float32', [1, 6, width]);
  const parts = split(g, add(g, table, modulation), 1, 6);
  const part = (index: number): Value => parts[index] ?? g.fail('Split', 'six parts', parts);

  const selfNorm = modulatedNorm(g, hidden, config.eps, part(1), part(0));
  const self = wanAttention(g, config, precision, 'attn1', selfNorm, selfNorm, { cos, sin });
  const afterSelf = add(g, hidden, mul(g, self, part(2)));

  const crossNorm = config.crossAttnNorm
    ? layerNorm(g, afterSelf, config.eps, {
        scale: g.weight('norm2.weight', 'float32', [width]),
        bias: g.weight('norm2.bias', 'float32', [width]),
      })
    : afterSelf;
  const cross = wanAttention(g, config, precision, 'attn2', crossNorm, text);
  const afterCross = add(g, afterSelf, cross);

  const ffNorm = modulatedNorm(g, afterCross, config.eps, part(4), part(3));
  const ff = feedForward(g, config, precision, ffNorm);
  g.output('output', add(g, afterCross, mul(g, ff, part(5))));
  return g.build();
}

/** Inputs: `sinusoid` `[1, freqDim]`. Outputs: `temb` `[1, 1, D]`, `modulation` `[1, 6, D]`. */
export function timeGraph(config: WanTransformerConfig, precision: Precision): Graph {
  const width = innerDim(config);
  const dtype = precision.linear;
  const g = new GraphBuilder('wan time');
  const sinusoid = g.input('sinusoid', 'float32', [1, config.freqDim]);
  const hidden = silu(g, linearLayer(g, sinusoid, 'time_embedder.linear_1', width, { dtype }));
  const temb = linearLayer(g, hidden, 'time_embedder.linear_2', width, { dtype });
  const modulation = linearLayer(g, silu(g, temb), 'time_proj', 6 * width, { dtype });
  g.output('temb', reshape(g, temb, [1, 1, width]));
  g.output('modulation', reshape(g, modulation, [1, 6, width]));
  return g.build();
}

/** Input: `embeds` `[1, L, textDim]`. Output: `text` `[1, L, D]`. */
export function textGraph(
  config: WanTransformerConfig,
  textTokens: number,
  precision: Precision,
): Graph {
  const width = innerDim(config);
  const dtype = precision.linear;
  const g = new GraphBuilder(`wan text ${textTokens}`);
  const embeds = g.input('embeds', 'float32', [1, textTokens, config.textDim]);
  const hidden = geluTanh(g, linearLayer(g, embeds, 'text_embedder.linear_1', width, { dtype }));
  g.output('text', linearLayer(g, hidden, 'text_embedder.linear_2', width, { dtype }));
  return g.build();
}

/**
 * Input: `patches` `[1, S, inChannels · pt · ph · pw]`. Output: `hidden` `[1, S, D]`. The first and last layers are
 * float32 in every precision: they touch the latents directly and cost next to nothing.
 */
export function patchEmbeddingGraph(config: WanTransformerConfig, tokens: number): Graph {
  const volume = config.patchSize.reduce((a, b) => a * b, 1);
  const features = config.inChannels * volume;
  const width = innerDim(config);
  const g = new GraphBuilder(`wan patch embedding ${tokens}`);
  const patches = g.input('patches', 'float32', [1, tokens, features]);
  const weight = g.weight('patch_embedding.weight', 'float32', [width, features], {
    shape: [width, config.inChannels, ...config.patchSize],
  });
  const bias = g.weight('patch_embedding.bias', 'float32', [width]);
  g.output('hidden', linear(g, patches, weight, bias));
  return g.build();
}

/** Inputs: `hidden` `[1, S, D]`, `temb` `[1, 1, D]`. Output: `patches` `[1, S, pt · ph · pw · outChannels]`. */
export function headGraph(config: WanTransformerConfig, tokens: number): Graph {
  const volume = config.patchSize.reduce((a, b) => a * b, 1);
  const width = innerDim(config);
  const g: GraphBuilder = new GraphBuilder(`wan head ${tokens}`);
  const hidden = g.input('hidden', 'float32', [1, tokens, width]);
  const temb = g.input('temb', 'float32', [1, 1, width]);
  const table = g.weight('scale_shift_table', 'float32', [1, 2, width]);
  const [shift, scale] = split(g, add(g, table, temb), 1, 2);
  if (!shift || !scale) g.fail('Split', 'two parts', [table]);
  const normed = modulatedNorm(g, hidden, config.eps, scale, shift);
  g.output('patches', linearLayer(g, normed, 'proj_out', config.outChannels * volume));
  return g.build();
}
