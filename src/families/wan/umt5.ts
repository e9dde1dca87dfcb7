/**
 * @file The UMT5 encoder as stages: one a layer, and the final norm. Reference: transformers `UMT5EncoderModel`.
 * It runs on a prompt's real tokens only, so no mask is needed; embedding rows are looked up outside.
 */
import {
  add,
  attention,
  blockLinear,
  gather,
  geluTanh,
  type Graph,
  GraphBuilder,
  mul,
  type Precision,
  reshape,
  rmsNorm,
  transpose,
  type Value,
} from '../../graph/index.ts';
import type { Stage } from '../../runtime/stage.ts';
import type { Umt5Config } from './config.ts';

/** Full name of the token embedding table `[vocabSize, dModel]`. */
export const EMBEDDING = 'shared.weight';

/** @param tokens Length of the prompt, the end token included. */
export function umt5Stages(
  config: Umt5Config,
  tokens: number,
  precision: Precision,
): { layers: readonly Stage[]; finalNorm: Stage } {
  const graph = layerGraph(config, tokens, precision);
  return {
    layers: Array.from({ length: config.numLayers }, (_, i) => ({
      name: `encoder.block.${i}`,
      graph,
      prefix: `encoder.block.${i}.`,
    })),
    finalNorm: {
      name: 'encoder.final_layer_norm',
      graph: normGraph(config, tokens),
      prefix: 'encoder.',
    },
  };
}

/** Inputs: `hidden` `[1, L, dModel]` float32, `buckets` `[L, L]` int32. Output: `hidden`, after the layer, as `output`. */
function layerGraph(config: Umt5Config, tokens: number, precision: Precision): Graph {
  const { dModel, dKv, dFf, numHeads, layerNormEpsilon: eps } = config;
  const g = new GraphBuilder(`umt5 layer ${tokens}`);
  const hidden = g.input('hidden', 'float32', [1, tokens, dModel]);
  const buckets = g.input('buckets', 'int32', [tokens, tokens]);
  const dense = (x: Value, name: string, features: number): Value =>
    blockLinear(g, x, name, features, precision, { bias: false });
  const norm = (x: Value, name: string): Value =>
    rmsNorm(g, x, g.weight(`${name}.weight`, 'float32', [dModel]), eps);

  const self = 'layer.0.SelfAttention';
  const x = norm(hidden, 'layer.0.layer_norm');
  const inner = numHeads * dKv;
  // UMT5 has a table in every layer, where T5 has one in the first.
  const table = g.weight(`${self}.relative_attention_bias.weight`, 'float32', [
    config.relativeAttentionNumBuckets,
    numHeads,
  ]);
  const bias = transpose(g, gather(g, table, buckets), [2, 0, 1]);
  const attended = attention(
    g,
    dense(x, `${self}.q`, inner),
    dense(x, `${self}.k`, inner),
    dense(x, `${self}.v`, inner),
    numHeads,
    // T5 folds the scale into its initialisation.
    { scale: 1, bias: reshape(g, bias, [1, numHeads, tokens, tokens]) },
  );
  const afterAttention = add(g, hidden, dense(attended, `${self}.o`, dModel));

  const ff = 'layer.1.DenseReluDense';
  const y = norm(afterAttention, 'layer.1.layer_norm');
  const gated = mul(g, geluTanh(g, dense(y, `${ff}.wi_0`, dFf)), dense(y, `${ff}.wi_1`, dFf));
  // T5's widest activations pass float16's range here, so this one layer is float32 in every precision.
  const narrowed = blockLinear(g, gated, `${ff}.wo`, dModel, precision, {
    bias: false,
    dtype: 'float32',
  });
  g.output('output', add(g, afterAttention, narrowed));
  return g.build();
}

function normGraph({ dModel, layerNormEpsilon }: Umt5Config, tokens: number): Graph {
  const g = new GraphBuilder(`umt5 final norm ${tokens}`);
  const hidden = g.input('hidden', 'float32', [1, tokens, dModel]);
  const scale = g.weight('final_layer_norm.weight', 'float32', [dModel]);
  g.output('output', rmsNorm(g, hidden, scale, layerNormEpsilon));
  return g.build();
}

/**
 * T5's bidirectional relative-position buckets (Raffel et al. 2020, appendix of the code): half for each sign, small
 * distances exact, larger ones in logarithmic steps up to `maxDistance`.
 * @returns int32 `[L, L]`, query by key.
 */
export function relativePositionBuckets(
  tokens: number,
  numBuckets: number,
  maxDistance: number,
): Int32Array<ArrayBuffer> {
  const half = numBuckets >> 1;
  const exact = half >> 1;
  const f = Math.fround;
  const bucketOf = (distance: number): number => {
    if (distance < exact) return distance;
    // In float32 as the reference computes it: distances that fall on a step's edge round the same way.
    const ratio = f(f(Math.log(f(distance / exact))) / f(Math.log(maxDistance / exact)));
    return Math.min(exact + Math.trunc(f(ratio * (half - exact))), half - 1);
  };
  const buckets = new Int32Array(tokens * tokens);
  for (let query = 0; query < tokens; query++) {
    for (let key = 0; key < tokens; key++) {
      const relative = key - query;
      buckets[query * tokens + key] = (relative > 0 ? half : 0) + bucketOf(Math.abs(relative));
    }
  }
  return buckets;
}
