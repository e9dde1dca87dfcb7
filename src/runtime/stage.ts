/** @file A stage: a weight-free graph and where its weights are in the checkpoint. */
import type { Graph, WeightInput } from '../graph/types.ts';
import type { LocatedTensor } from '../weights/component.ts';
import type { StorageFormat, WeightNeed } from '../weights/storage-format.ts';

export interface Stage {
  /** Unique in its model: `blocks.3`. */
  readonly name: string;
  /** Stages with equal graphs share one compiled session. */
  readonly graph: Graph;
  /** Put before a weight's name to get the checkpoint's: `blocks.3.`. */
  readonly prefix: string;
  /** Visited before the cycle of the other stages, and not again: its weights do not stay. */
  readonly once?: true;
}

/** Finds tensors: in a component's files, or in the description of some. */
export interface TensorLocator {
  locate(prefix: string, weight: WeightInput): LocatedTensor;
  find(name: string, shape: readonly number[]): LocatedTensor;
}

/**
 * Where every weight of `stages` lies.
 * @throws ZoetropeError `model-format`, naming the tensor that is missing or of another shape or element type.
 */
export function locateWeights(files: TensorLocator, stages: readonly Stage[]): WeightNeed[] {
  const needs = new Map<string, WeightNeed>();
  for (const { graph, prefix } of stages) {
    for (const weight of graph.weights) {
      const name = prefix + weight.source;
      const tensor = files.locate(prefix, weight);
      needs.set(name, { name, tensor, storage: storageOf(weight, tensor.dtype) });
    }
  }
  return [...needs.values()];
}

/** The format in which a stage can have the weight without converting it at every visit. */
function storageOf({ packing, dtype }: WeightInput, sourceDtype: string): StorageFormat {
  if (typeof packing !== 'string') return packing.format;
  const isNarrowed = dtype === 'float16' && packing === 'none' && sourceDtype !== 'F16';
  return isNarrowed ? 'f16' : 'source';
}
