/**
 * @file What onnxruntime allocates for a graph's intermediate values, foretold by doing as it does: its order of nodes,
 * its reuse of buffers between values of one shape, and its cache, which gives a freed buffer out again only after the
 * commands so far were submitted. Followed dispatch by dispatch in docs/decisions/0004.
 */
import { bufferBytes, bytesPerElement, type Value } from './types.ts';

export interface ScratchNode {
  readonly opType: string;
  readonly input: readonly string[];
  readonly output: readonly string[];
}

/** These give their input another shape, without a copy. */
const ALIASES = new Set(['Reshape']);

/**
 * @param nodes Of the graph, each after those that it reads from.
 * @param made Values that nodes make. @param outputs Names of those that the caller provides buffers for.
 * @param kernelBuffers Sizes of the buffers that each node's kernel takes for itself.
 * @returns bytes → the most buffers of that size taken in one run.
 */
export function scratchBuffers(
  nodes: readonly ScratchNode[],
  made: ReadonlyMap<string, Value>,
  outputs: readonly string[],
  kernelBuffers: readonly (readonly number[])[],
): ReadonlyMap<number, number> {
  const order = executionOrder(nodes);
  const owner = new Map<string, string>();
  const ownerOf = (name: string): string => owner.get(name) ?? name;
  for (const { opType, input, output } of nodes) {
    const [from, to] = [input[0], output[0]];
    if (ALIASES.has(opType) && from !== undefined && to !== undefined) owner.set(to, ownerOf(from));
  }
  // An output that is another value in a new shape is a copy of it.
  const provided = new Set(outputs.filter((name) => ownerOf(name) === name));
  const needsBuffer = (name: string): boolean =>
    ownerOf(name) === name && made.has(name) && !provided.has(name);

  const lastUse = new Map<string, number>();
  for (const [step, index] of order.entries()) {
    const { input, output } = nodes[index] ?? NOTHING;
    for (const name of [...input, ...output]) lastUse.set(ownerOf(name), step);
  }

  const counts = new Map<number, number>();
  const take = (bytes: number): void => {
    counts.set(bytes, (counts.get(bytes) ?? 0) + 1);
  };
  // A value takes over the buffer of a dead one of its very shape, but not of another shape with as many bytes.
  const dead = new Map<string, number>();
  for (const [step, index] of order.entries()) {
    const { input, output } = nodes[index] ?? NOTHING;
    for (const name of output.filter(needsBuffer)) {
      const value = made.get(name);
      if (!value) continue;
      const shape = shapeKey(value);
      const free = dead.get(shape) ?? 0;
      if (free > 0) dead.set(shape, free - 1);
      else take(bufferBytes(value.dtype, value.shape));
    }
    for (const bytes of kernelBuffers[index] ?? []) take(bytes);
    for (const name of new Set([...input, ...output].map(ownerOf))) {
      const value = made.get(name);
      if (lastUse.get(name) !== step || !value || !needsBuffer(name)) continue;
      const shape = shapeKey(value);
      dead.set(shape, (dead.get(shape) ?? 0) + 1);
    }
  }
  return counts;
}

const NOTHING: ScratchNode = { opType: '', input: [], output: [] };

function shapeKey({ dtype, shape }: Value): string {
  return `${bytesPerElement(dtype)}:${shape.join('x')}`;
}

/** onnxruntime's: depth first from the last node backwards, of a node's sources the latest first. */
function executionOrder(nodes: readonly ScratchNode[]): number[] {
  const maker = new Map<string, number>();
  for (const [index, { output }] of nodes.entries()) {
    for (const name of output) maker.set(name, index);
  }
  const read = new Set(nodes.flatMap(({ input }) => input));
  const isLeaf = ({ output }: ScratchNode): boolean => !output.some((name) => read.has(name));
  const order: number[] = [];
  const visited = new Set<number>();
  const stack = nodes.flatMap((node, index) => (isLeaf(node) ? [{ index, isDone: false }] : []));
  for (let entry = stack.pop(); entry; entry = stack.pop()) {
    const { index, isDone } = entry;
    if (isDone) order.push(index);
    if (isDone || visited.has(index)) continue;
    visited.add(index);
    stack.push({ index, isDone: true });
    const sources = new Set((nodes[index] ?? NOTHING).input.map((name) => maker.get(name)));
    const ordered = [...sources].filter((source) => source !== undefined).toSorted((a, b) => a - b);
    for (const source of ordered) {
      if (!visited.has(source)) stack.push({ index: source, isDone: false });
    }
  }
  return order;
}
