/**
 * @file What onnxruntime's WebGPU backend allocates for a graph's intermediate values, foretold by doing as it does: its
 * layout of convolutions, its order of nodes, its reuse of buffers between values of one shape, and its cache, which gives
 * a freed buffer out again only after the commands so far were submitted. docs/decisions/0004 tells how it was measured.
 */
import { bufferBytes, bytesPerElement, type Value } from './types.ts';

export interface ScratchNode {
  readonly opType: string;
  readonly input: readonly string[];
  readonly output: readonly string[];
  /** Sizes of the buffers that the kernel takes for itself. */
  readonly kernelBuffers: readonly number[];
}

/** These give their input another shape, without a copy. */
const ALIASES = new Set(['Reshape']);

/** Commands are submitted after so many dispatches, and at the end of a run. */
const DISPATCHES_A_SUBMISSION = 16;

/**
 * @param nodes Of the graph, each after those that it reads from.
 * @param made Values that nodes make. @param outputs Names of those that the caller provides buffers for.
 * @returns bytes → the most buffers of that size that exist after any number of runs.
 */
export function scratchBuffers(
  nodes: readonly ScratchNode[],
  made: ReadonlyMap<string, Value>,
  outputs: readonly string[],
): ReadonlyMap<number, number> {
  const order = executionOrder(withoutLayoutTransposes(nodes));
  const cache = new BufferCache();
  let dispatches = 0;
  for (const { node, taken, given } of planReuse(order, made, outputs)) {
    for (const bytes of [...taken, ...node.kernelBuffers]) cache.take(bytes, dispatches);
    if (!ALIASES.has(node.opType)) dispatches++;
    for (const bytes of [...given, ...node.kernelBuffers]) cache.give(bytes, dispatches);
  }
  return cache.made;
}

/** Buffers by size. One that was given back is taken again after a submission. */
class BufferCache {
  readonly made = new Map<number, number>();
  /** By size: how many dispatches there had been when each was given back. */
  readonly #free = new Map<number, number[]>();

  take(bytes: number, dispatches: number): void {
    const free = this.#free.get(bytes) ?? [];
    const [oldest] = free;
    // Kernels may dispatch more often than is counted here, so where a submission falls is not known; that there was
    // one since is.
    if (oldest !== undefined && dispatches - oldest >= DISPATCHES_A_SUBMISSION) free.shift();
    else this.made.set(bytes, (this.made.get(bytes) ?? 0) + 1);
  }

  give(bytes: number, dispatches: number): void {
    const free = this.#free.get(bytes);
    if (free) free.push(dispatches);
    else this.#free.set(bytes, [dispatches]);
  }
}

/** A node in its turn: sizes of the buffers that are taken before it and given back after it. */
interface Step {
  readonly node: ScratchNode;
  readonly taken: number[];
  readonly given: number[];
}

/**
 * A value takes over the buffer of a dead one of its very shape, but not of another shape with as many bytes: that one's
 * buffer goes back to the cache.
 */
function planReuse(
  order: readonly ScratchNode[],
  made: ReadonlyMap<string, Value>,
  outputs: readonly string[],
): readonly Step[] {
  const owner = new Map<string, string>();
  const ownerOf = (name: string): string => owner.get(name) ?? name;
  for (const { opType, input, output } of order) {
    const [from, to] = [input[0], output[0]];
    if (ALIASES.has(opType) && from !== undefined && to !== undefined) owner.set(to, ownerOf(from));
  }
  // An output that is another value in a new shape is a copy of it.
  const provided = new Set(outputs.filter((name) => ownerOf(name) === name));
  const needed = ({ input, output }: ScratchNode): Value[] =>
    [...new Set([...input, ...output].map(ownerOf))].flatMap((name) => {
      const value = made.get(name);
      return value && !provided.has(name) ? [value] : [];
    });

  const lastUse = new Map<string, number>();
  for (const [index, node] of order.entries()) {
    for (const { name } of needed(node)) lastUse.set(name, index);
  }
  const steps = order.map((node) => ({ node, taken: [] as number[], given: [] as number[] }));
  /** By shape: the steps at which buffers fell free that nobody has taken over yet. */
  const dead = new Map<string, number[]>();
  for (const [index, step] of steps.entries()) {
    for (const value of needed(step.node)) {
      if (!step.node.output.includes(value.name)) continue;
      const bytes = bufferBytes(value.dtype, value.shape);
      const since = dead.get(shapeKey(value))?.pop();
      if (since === undefined) step.taken.push(bytes);
      else steps[since]?.given.splice(steps[since].given.indexOf(bytes), 1);
    }
    for (const value of needed(step.node)) {
      if (lastUse.get(value.name) !== index) continue;
      step.given.push(bufferBytes(value.dtype, value.shape));
      const key = shapeKey(value);
      const free = dead.get(key);
      if (free) free.push(index);
      else dead.set(key, [index]);
    }
  }
  return steps;
}

function shapeKey({ dtype, shape }: Value): string {
  return `${bytesPerElement(dtype)}:${shape.join('x')}`;
}

/** A convolution takes and gives channels last: the transpositions on both sides of it vanish. */
function withoutLayoutTransposes(nodes: readonly ScratchNode[]): readonly ScratchNode[] {
  const maker = new Map(nodes.flatMap((node) => node.output.map((name) => [name, node] as const)));
  const reader = new Map(nodes.flatMap((node) => node.input.map((name) => [name, node] as const)));
  const gone = new Set<ScratchNode>();
  const merged = nodes.map((node) => {
    if (node.opType !== 'Conv') return node;
    const before = maker.get(node.input[0] ?? '');
    const after = reader.get(node.output[0] ?? '');
    if (before?.opType !== 'Transpose' || after?.opType !== 'Transpose') return node;
    gone.add(before).add(after);
    return { ...node, input: [...before.input, ...node.input.slice(1)], output: after.output };
  });
  return merged.filter((node) => !gone.has(node));
}

/** onnxruntime's: depth first from the last node backwards, of a node's sources the latest first. */
export function executionOrder<T extends Pick<ScratchNode, 'input' | 'output'>>(
  nodes: readonly T[],
): readonly T[] {
  const maker = new Map(nodes.flatMap(({ output }, i) => output.map((name) => [name, i] as const)));
  const read = new Set(nodes.flatMap(({ input }) => input));
  const order: T[] = [];
  const visited = new Set<number>();
  const stack = nodes.flatMap(({ output }, index) =>
    output.some((name) => read.has(name)) ? [] : [{ index, isDone: false }],
  );
  for (let entry = stack.pop(); entry; entry = stack.pop()) {
    const { index, isDone } = entry;
    const node = nodes[index];
    if (!node) continue;
    if (isDone) order.push(node);
    if (isDone || visited.has(index)) continue;
    visited.add(index);
    stack.push({ index, isDone: true });
    const sources = new Set(node.input.map((name) => maker.get(name) ?? -1));
    for (const source of [...sources].toSorted((a, b) => a - b)) {
      if (source >= 0 && !visited.has(source)) stack.push({ index: source, isDone: false });
    }
  }
  return order;
}
