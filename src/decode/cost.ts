/** @file What a decode takes: bytes on the device, and operations. */
import { byteLength, type Value } from '../graph/types.ts';
import type { DecoderPlan, DecoderStage } from './decoder-plan.ts';
import { tilesOf } from './tile-grid.ts';

/** Sizes are rounded up as GPU buffers are. */
const ALIGNMENT = 16;

/**
 * Bytes that a decode holds besides weights and graphs' intermediates: in tiles, what goes into and comes out of one run;
 * of whole frames the caches of all stages as well. What leaves the device passes through a staging buffer of its size.
 */
export function decodeActivationBytes(plan: DecoderPlan): number {
  const stages = [...plan.first, ...plan.rest];
  return plan.isTiled
    ? pooledBytes(stages.map(({ graph }) => [...graph.inputs, ...graph.outputs])) +
        pooledBytes(stages.flatMap(({ graph }) => graph.outputs.map((value) => [value])))
    : wholeFrameBytes(plan);
}

function wholeFrameBytes(plan: DecoderPlan): number {
  const stages = [...plan.first, ...plan.rest];
  const caches = plan.rest
    .flatMap(({ graph }) => graph.inputs.filter(isCache))
    .reduce((sum, value) => sum + bytesOf(value), 0);
  const activations = pooledBytes(
    stages.map(({ graph }) => [
      ...graph.inputs.filter((value) => !isCache(value)),
      ...graph.outputs,
    ]),
  );
  const kept = Math.max(...stages.filter((s) => s.opensBlock).map(inputBytes), 0);
  const pictures = Math.max(...stages.slice(-1).map(outputBytes), 0);
  return caches + activations + kept + pictures;
}

function isCache({ name }: Value): boolean {
  return name.startsWith('cache.');
}

/**
 * Bytes of a pool that serves each list of tensors in turn. It keeps every size that it ever gave out: what counts is how
 * many of a size are needed at once.
 */
function pooledBytes(turns: readonly (readonly Value[])[]): number {
  const most = new Map<number, number>();
  for (const values of turns) {
    const now = new Map<number, number>();
    for (const bytes of values.map(bytesOf)) now.set(bytes, (now.get(bytes) ?? 0) + 1);
    for (const [bytes, count] of now) most.set(bytes, Math.max(count, most.get(bytes) ?? 0));
  }
  return [...most].reduce((sum, [bytes, count]) => sum + bytes * count, 0);
}

function bytesOf({ dtype, shape }: Value): number {
  return Math.ceil(byteLength(dtype, shape) / ALIGNMENT) * ALIGNMENT;
}

function inputBytes({ graph }: DecoderStage): number {
  const x = graph.inputs.find(({ name }) => name === 'x');
  return x ? bytesOf(x) : 0;
}

function outputBytes({ graph }: DecoderStage): number {
  const y = graph.outputs.find(({ name }) => name === 'y');
  return y ? bytesOf(y) : 0;
}

/** Bytes of the largest tensor that a kernel of the decode reads or writes. */
export function largestTensorBytes({ first, rest }: DecoderPlan): number {
  return Math.max(...[...first, ...rest].map(({ graph }) => graph.largestTensorBytes));
}

/** Operations to decode `frames` latent frames. */
export function decodeFlops(plan: DecoderPlan, frames: number): number {
  return sumFlops(plan.first) + (frames - 1) * sumFlops(plan.rest);
}

function sumFlops(stages: readonly DecoderStage[]): number {
  return stages.reduce((total, { graph, grid, attends }) => {
    const tiles = tilesOf(grid).length;
    return total + graph.flops * (attends ? tiles ** 2 : tiles);
  }, 0);
}
