/** @file What a softmax is made of, for one that is computed in parts. */
import type { GraphBuilder } from './builder.ts';
import { first } from './ops-elementwise.ts';
import type { Value } from './types.ts';

/** eˣ. */
export function exp(g: GraphBuilder, x: Value): Value {
  return first(g.node('Exp', [x], [x]));
}

/**
 * max(x, 0), and NaN of NaN: onnxruntime's `Relu` is WGSL's `max` on WebGPU, which makes 0 of it, and a decode that failed
 * would look like a black picture.
 */
export function relu(g: GraphBuilder, x: Value): Value {
  return first(g.node('LeakyRelu', [x], [x], { attributes: { alpha: 0 } }));
}

/** The largest element of each row (last axis), which stays as an axis of 1. */
export function reduceMax(g: GraphBuilder, x: Value): Value {
  return reduceRows(g, 'ReduceMax', x);
}

/** The sum of each row (last axis), which stays as an axis of 1. */
export function reduceSum(g: GraphBuilder, x: Value): Value {
  return reduceRows(g, 'ReduceSum', x);
}

function reduceRows(g: GraphBuilder, op: string, x: Value): Value {
  if (x.shape.length === 0) g.fail(op, 'x has no axes', [x]);
  const output = { dtype: x.dtype, shape: [...x.shape.slice(0, -1), 1] };
  const axes = g.shapeConstant([x.shape.length - 1]);
  return first(g.node(op, [x, axes], [output], { attributes: { keepdims: 1n } }));
}
