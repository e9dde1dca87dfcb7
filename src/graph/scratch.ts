/** @file What a graph needs for its intermediate values, by a walk over their lifetimes. */
import { byteLength, type Value } from './types.ts';

interface Node {
  readonly opType: string;
  readonly input: readonly string[];
  readonly output: readonly string[];
}

/** These give their input another shape, without a copy. */
const ALIASES = new Set(['Reshape']);

/** Sizes are rounded up as GPU buffers are. */
const ALIGNMENT = 16;

/**
 * Walks the nodes in order: a value's buffer is taken where it is made and given back after its last use.
 * @param made Values that nodes make. @param outputs Names of those that the caller provides buffers for.
 * @param kernelBytes What each node's kernel takes for itself while it runs.
 * @returns bytes → the most buffers of that size alive at once.
 */
export function scratchBuffers(
  nodes: readonly Node[],
  made: ReadonlyMap<string, Value>,
  outputs: readonly string[],
  kernelBytes: readonly number[],
): ReadonlyMap<number, number> {
  const owner = new Map<string, string>();
  const ownerOf = (name: string): string => owner.get(name) ?? name;
  const lastUse = new Map<string, number>();
  for (const [index, { opType, input, output }] of nodes.entries()) {
    const [from, to] = [input[0], output[0]];
    if (ALIASES.has(opType) && from !== undefined && to !== undefined) owner.set(to, ownerOf(from));
    for (const name of [...input, ...output]) lastUse.set(ownerOf(name), index);
  }
  const provided = new Set(outputs.map(ownerOf));
  const size = (name: string): number => {
    const value = made.get(name);
    if (!value || provided.has(name)) return 0;
    return Math.ceil(byteLength(value.dtype, value.shape) / ALIGNMENT) * ALIGNMENT;
  };
  const live = new Map<number, number>();
  const most = new Map<number, number>();
  const take = (bytes: number): void => {
    if (bytes === 0) return;
    const count = (live.get(bytes) ?? 0) + 1;
    live.set(bytes, count);
    most.set(bytes, Math.max(count, most.get(bytes) ?? 0));
  };
  const give = (bytes: number): void => {
    if (bytes > 0) live.set(bytes, (live.get(bytes) ?? 1) - 1);
  };
  for (const [index, { input, output }] of nodes.entries()) {
    for (const name of output) if (ownerOf(name) === name) take(size(name));
    const own = kernelBytes[index] ?? 0;
    take(own);
    give(own);
    for (const name of new Set([...input, ...output].map(ownerOf))) {
      if (lastUse.get(name) === index) give(size(name));
    }
  }
  return most;
}
