/** @file What a decode takes: bytes on the device, and operations. */
import { bufferBytes, type Value } from '../graph/types.ts';
import type { DecoderPlan, DecoderStage } from './decoder-plan.ts';
import { tilesOf } from './tile-grid.ts';

/**
 * Bytes that a decode holds besides weights and graphs' intermediates: in tiles, what goes into and comes out of one run;
 * of whole frames the caches of all stages as well. What leaves the device passes through a staging buffer of its size.
 */
export function decodeActivationBytes(plan: DecoderPlan): number {
  return plan.isTiled ? tileBytes(plan) : wholeFrameBytes(plan);
}

/** The same where no pool keeps what was freed and nothing is staged, as on wasm. */
export function decodeLiveBytes({ first, rest, isTiled }: DecoderPlan): number {
  if (isTiled) {
    return mostBytes([...first, ...rest].map(({ graph }) => [...graph.inputs, ...graph.outputs]));
  }
  const caches = (rest.length > 0 ? rest : first)
    .flatMap(({ graph }) => graph.inputs.filter(isCache))
    .reduce((sum, value) => sum + bytesOf(value), 0);
  return caches + mostBytes([...held(first), ...held(rest)]);
}

/** Bytes of the list that has the most. */
function mostBytes(turns: readonly (readonly Value[])[]): number {
  return Math.max(...turns.map((values) => values.reduce((sum, value) => sum + bytesOf(value), 0)));
}

function tileBytes({ first, rest }: DecoderPlan): number {
  const graphs = [...first, ...rest].map(({ graph }) => graph);
  const downloads = graphs.flatMap(({ outputs }) => outputs.map((value) => [value]));
  return (
    pooledBytes(graphs.map(({ inputs, outputs }) => [...inputs, ...outputs])) +
    pooledBytes(downloads)
  );
}

function wholeFrameBytes({ first, rest }: DecoderPlan): number {
  const caches = (rest.length > 0 ? rest : first)
    .flatMap(({ graph }) => graph.inputs.filter(isCache))
    .reduce((sum, value) => sum + bytesOf(value), 0);
  const downloads = [first, rest].flatMap((chunk) =>
    chunk.slice(-1).map(({ graph }) => graph.outputs.filter(({ name }) => name === 'y')),
  );
  return caches + pooledBytes([...held(first), ...held(rest)]) + pooledBytes(downloads);
}

/** What is on the device besides caches while each stage of a chunk runs. */
function held(chunk: readonly DecoderStage[]): Value[][] {
  let kept: Value[] = [];
  return chunk.map(({ graph, opensBlock, usesSkip }) => {
    // The stage that uses what was kept declares it as an input.
    if (usesSkip) kept = [];
    const values = [...graph.inputs.filter((value) => !isCache(value)), ...graph.outputs, ...kept];
    if (opensBlock) kept = graph.inputs.filter(({ name }) => name === 'x');
    return values;
  });
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
  return bufferBytes(dtype, shape);
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
