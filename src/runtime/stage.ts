/** @file A stage: a weight-free graph and where its weights are in the checkpoint. */
import type { Graph } from '../graph/types.ts';
import type { ComponentFiles } from '../weights/component.ts';
import type { WeightNeed } from '../weights/host-weights.ts';

export interface Stage {
  /** Unique in its model: `blocks.3`. */
  readonly name: string;
  /** Stages with equal graphs share one compiled session. */
  readonly graph: Graph;
  /** Put before a weight's name to get the checkpoint's: `blocks.3.`. */
  readonly prefix: string;
}

/**
 * Where every weight of `stages` lies.
 * @throws ZoetropeError `model-format`, naming the tensor that is missing or of another shape or element type.
 */
export function locateWeights(files: ComponentFiles, stages: readonly Stage[]): WeightNeed[] {
  const needs = new Map<string, WeightNeed>();
  for (const { graph, prefix } of stages) {
    for (const weight of graph.weights) {
      const name = prefix + weight.name;
      needs.set(name, { name, tensor: files.locate(prefix, weight) });
    }
  }
  return [...needs.values()];
}
