/** @file Operators that move elements without changing them. */
import type { GraphBuilder } from './builder.ts';
import { first } from './ops-elementwise.ts';
import { elementCount, sameShape, type Shape, type Value } from './types.ts';

export function reshape(g: GraphBuilder, x: Value, shape: Shape): Value {
  if (elementCount(x.shape) !== elementCount(shape)) {
    g.fail('Reshape', `cannot become [${shape.join(', ')}]`, [x]);
  }
  if (sameShape(x.shape, shape)) return x;
  return first(g.node('Reshape', [x, g.shapeConstant(shape)], [{ dtype: x.dtype, shape }]));
}

/** Output axis `i` is input axis `permutation[i]`. */
export function transpose(g: GraphBuilder, x: Value, permutation: readonly number[]): Value {
  const axes = new Set(permutation);
  if (axes.size !== x.shape.length || permutation.length !== x.shape.length) {
    g.fail('Transpose', `[${permutation.join(', ')}] is no permutation of its axes`, [x]);
  }
  const shape = permutation.map((axis) => x.shape[axis] ?? g.fail('Transpose', 'bad axis', [x]));
  const attributes = { perm: permutation.map(BigInt) };
  return first(g.node('Transpose', [x], [{ dtype: x.dtype, shape }], { attributes }));
}

/** All operands agree on every axis but `axis`. */
export function concat(g: GraphBuilder, values: readonly Value[], axis: number): Value {
  const head = values[0];
  if (!head || head.shape[axis] === undefined) g.fail('Concat', `no axis ${axis}`, values);
  for (const value of values) {
    const fits =
      value.dtype === head.dtype &&
      value.shape.length === head.shape.length &&
      value.shape.every((dim, i) => i === axis || dim === head.shape[i]);
    if (!fits) g.fail('Concat', `operands differ outside axis ${axis}`, values);
  }
  if (values.length === 1) return head;
  const total = values.reduce((sum, value) => sum + (value.shape[axis] ?? 0), 0);
  const shape = head.shape.map((dim, i) => (i === axis ? total : dim));
  const attributes = { axis: BigInt(axis) };
  return first(g.node('Concat', values, [{ dtype: head.dtype, shape }], { attributes }));
}

/** Elements `start … end − 1` of one axis; step 1. float only on WebGPU. */
export function slice(g: GraphBuilder, x: Value, axis: number, start: number, end: number): Value {
  const dim = x.shape[axis];
  if (dim === undefined || start < 0 || end > dim || start >= end) {
    g.fail('Slice', `[${start}, ${end}) of axis ${axis} is out of range`, [x]);
  }
  if (start === 0 && end === dim) return x;
  const shape = x.shape.map((size, i) => (i === axis ? end - start : size));
  const operands = [x, ...[start, end, axis].map((n) => g.shapeConstant([n]))];
  return first(g.node('Slice', operands, [{ dtype: x.dtype, shape }]));
}

/** Cuts an axis into equal parts. */
export function split(g: GraphBuilder, x: Value, axis: number, parts: number): Value[] {
  const dim = x.shape[axis];
  if (dim === undefined || dim % parts !== 0) {
    g.fail('Split', `axis ${axis} does not divide into ${parts}`, [x]);
  }
  const shape = x.shape.map((size, i) => (i === axis ? size / parts : size));
  const outputs = Array.from({ length: parts }, () => ({ dtype: x.dtype, shape }));
  const sizes = g.shapeConstant(Array.from({ length: parts }, () => dim / parts));
  return g.node('Split', [x, sizes], outputs, { attributes: { axis: BigInt(axis) } });
}

/** Repeats size-1 axes up to `shape`. */
export function expand(g: GraphBuilder, x: Value, shape: Shape): Value {
  const fits =
    x.shape.length === shape.length && x.shape.every((dim, i) => dim === 1 || dim === shape[i]);
  if (!fits) g.fail('Expand', `cannot become [${shape.join(', ')}]`, [x]);
  if (sameShape(x.shape, shape)) return x;
  return first(g.node('Expand', [x, g.shapeConstant(shape)], [{ dtype: x.dtype, shape }]));
}

/** Rows of `table` (axis 0) at `indices` (int32 or int64): shape `[...indices, ...table[1:]]`. */
export function gather(g: GraphBuilder, table: Value, indices: Value): Value {
  if (indices.dtype !== 'int32' && indices.dtype !== 'int64') {
    g.fail('Gather', 'indices must be integers', [table, indices]);
  }
  const shape = [...indices.shape, ...table.shape.slice(1)];
  const attributes = { axis: 0n };
  return first(g.node('Gather', [table, indices], [{ dtype: table.dtype, shape }], { attributes }));
}
