/** @file A graph as onnxruntime's CPU kernels can run it, and what a run of it takes from the heap. */
import type { NodeProto, TensorProto } from 'onnx-buf';
import { splitQueries } from './cpu-attention.ts';
import { digest } from './digest.ts';
import type { CpuGraph, Value } from './types.ts';

export interface GraphParts {
  readonly nodes: readonly NodeProto[];
  readonly constants: readonly TensorProto[];
  /** All that nodes read and make. */
  readonly values: readonly Value[];
  /** Of the graph as it is. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly encode: (
    nodes: readonly NodeProto[],
    constants: readonly TensorProto[],
  ) => Uint8Array<ArrayBuffer>;
}

/** The graph with its large attentions in blocks of queries; its very bytes if it has none. */
export function cpuGraph(parts: GraphParts, scoreBytes?: number): CpuGraph {
  const values = new Map(parts.values.map((value) => [value.name, value]));
  const constants = [...parts.constants];
  const nodes = parts.nodes.flatMap((node) => {
    if (node.opType !== 'MultiHeadAttention') return [node];
    const split = splitQueries(node, (name) => values.get(name), scoreBytes);
    if (!split) return [node];
    constants.push(...split.constants);
    for (const value of split.values) values.set(value.name, value);
    return split.nodes;
  });
  const isSame = nodes.length === parts.nodes.length;
  const bytes = isSame ? parts.bytes : parts.encode(nodes, constants);
  return { key: digest(bytes), bytes, runBytes: 0, sessionBytes: 0 };
}

/** Remembers the result for the size that was asked for last. */
export function oncePerSize<T>(make: (size: number | undefined) => T): (size?: number) => T {
  let last: { size: number | undefined; made: T } | undefined;
  return (size) => {
    if (!last || last.size !== size) last = { size, made: make(size) };
    return last.made;
  };
}
