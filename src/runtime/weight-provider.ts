/** @file Where the stage runner gets a stage's weights on the device from. */
import type { ComponentWeights } from '../weights/component-weights.ts';
import type { Bindings } from './backend.ts';
import type { Stage } from './stage.ts';

/** Weights in the form that graphs want them, from RAM or from storage. */
export type WeightSource = Pick<ComponentWeights, 'get'>;

export interface WeightProvider {
  /** Weights on the device, valid until `release`. */
  acquire(stage: Stage): Promise<Bindings>;
  /** The caller has submitted all work that reads the stage's weights. */
  release(stage: Stage): void;
  /** Frees every tensor. */
  dispose(): void;
}
