/** @file Normalisations over the last axis; statistics are float32 in every backend. */
import type { GraphBuilder } from './builder.ts';
import { first } from './ops-elementwise.ts';
import type { Value } from './types.ts';

/** (x − mean) / √(var + epsilon) · scale + bias. Without an affine, scale is a constant of ones. */
export function layerNorm(
  g: GraphBuilder,
  x: Value,
  epsilon: number,
  affine?: { scale: Value; bias: Value },
): Value {
  const scale = affine?.scale ?? g.constant(new Float32Array(lastAxis(g, x)).fill(1));
  const operands = affine ? [x, scale, affine.bias] : [x, scale];
  const fits = (value: Value): boolean =>
    value.shape.length === 1 && value.shape[0] === x.shape.at(-1);
  if (!operands.slice(1).every(fits)) {
    g.fail('LayerNormalization', 'scale and bias must fit the last axis', operands);
  }
  return first(g.node('LayerNormalization', operands, [x], { attributes: { axis: -1n, epsilon } }));
}

/**
 * x / √(mean(x²) + epsilon) · scale (Zhang & Sennrich 2019). `SimplifiedLayerNormalization` is onnxruntime's name for
 * it: unlike `RMSNormalization` it has kernels in both backends.
 */
export function rmsNorm(g: GraphBuilder, x: Value, scale: Value, epsilon: number): Value {
  if (scale.shape.length !== 1 || scale.shape[0] !== x.shape.at(-1)) {
    g.fail('SimplifiedLayerNormalization', 'scale must fit the last axis', [x, scale]);
  }
  const attributes = { axis: -1n, epsilon, stash_type: 1n };
  return first(g.node('SimplifiedLayerNormalization', [x, scale], [x], { attributes }));
}

function lastAxis(g: GraphBuilder, x: Value): number {
  return x.shape.at(-1) ?? g.fail('LayerNormalization', 'x has no axes', [x]);
}
