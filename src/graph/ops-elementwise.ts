/** @file Element-wise operators: both operands broadcast as in NumPy, dtypes must match. */
import { type GraphBuilder, onnxType } from './builder.ts';
import type { DType, Shape, Value } from './types.ts';

/** NumPy's broadcast of two shapes, or `undefined` if they do not. */
export function broadcast(a: Shape, b: Shape): Shape | undefined {
  const rank = Math.max(a.length, b.length);
  const shape: number[] = [];
  for (let axis = 0; axis < rank; axis++) {
    const x = a[a.length - rank + axis] ?? 1;
    const y = b[b.length - rank + axis] ?? 1;
    if (x !== y && x !== 1 && y !== 1) return undefined;
    shape.push(Math.max(x, y));
  }
  return shape;
}

function binary(g: GraphBuilder, op: string, a: Value, b: Value): Value {
  const shape = broadcast(a.shape, b.shape);
  if (!shape) g.fail(op, 'shapes do not broadcast', [a, b]);
  if (a.dtype !== b.dtype) g.fail(op, 'element types differ', [a, b]);
  return first(g.node(op, [a, b], [{ dtype: a.dtype, shape }]));
}

/** The only output of a single-output node. */
export function first(values: readonly Value[]): Value {
  const value = values[0];
  if (!value) throw new Error('a node without outputs');
  return value;
}

export function add(g: GraphBuilder, a: Value, b: Value): Value {
  return binary(g, 'Add', a, b);
}

export function mul(g: GraphBuilder, a: Value, b: Value): Value {
  return binary(g, 'Mul', a, b);
}

export function subtract(g: GraphBuilder, a: Value, b: Value): Value {
  return binary(g, 'Sub', a, b);
}

/** `a + scalar`. */
export function addScalar(g: GraphBuilder, a: Value, scalar: number): Value {
  return add(g, a, cast(g, g.constant(Float32Array.of(scalar)), a.dtype));
}

/** `x · sigmoid(x)`, as one kernel: contrib `QuickGelu` with α = 1. */
export function silu(g: GraphBuilder, x: Value): Value {
  return first(
    g.node('QuickGelu', [x], [x], { domain: 'com.microsoft', attributes: { alpha: 1 } }),
  );
}

/** `limit · tanh(x / limit)`: next to no change around 0, and never beyond ±limit. */
export function softClamp(g: GraphBuilder, x: Value, limit: number): Value {
  const scalar = (value: number): Value => cast(g, g.constant(Float32Array.of(value)), x.dtype);
  const bent = first(g.node('Tanh', [mul(g, x, scalar(1 / limit))], [x]));
  return mul(g, bent, scalar(limit));
}

/** The tanh approximation of GELU (Hendrycks & Gimpel 2016), torch's `approximate='tanh'`. */
export function geluTanh(g: GraphBuilder, x: Value): Value {
  return first(g.node('Gelu', [x], [x], { attributes: { approximate: 'tanh' } }));
}

/** A no-op when the element type is already right. */
export function cast(g: GraphBuilder, x: Value, dtype: DType): Value {
  if (x.dtype === dtype) return x;
  const output = { dtype, shape: x.shape };
  return first(g.node('Cast', [x], [output], { attributes: { to: onnxType(dtype) } }));
}
