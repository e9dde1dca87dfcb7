/** @file What a run will take, phase by phase, told before anything is fetched or computed. */
import type { ComponentName, ModelCheckpoint } from '../families/family.ts';
import { planPhase, type PhasePlan } from '../runtime/planner.ts';
import type { ComputeDtype, GenerationParameters } from './api.ts';

export type RunPlan = Readonly<Record<ComponentName, PhasePlan>>;

/**
 * @param budgetBytes Of the device; infinite for none.
 * @throws ZoetropeError `out-of-memory` if a phase cannot fit, with the least that would do.
 */
export function planRun(
  checkpoint: ModelCheckpoint,
  parameters: Pick<
    GenerationParameters,
    'width' | 'height' | 'numFrames' | 'guidanceScale' | 'maxSequenceLength'
  >,
  dtype: ComputeDtype,
  budgetBytes: number,
): RunPlan {
  const needs = checkpoint.needs(
    {
      latents: checkpoint.latentShape(parameters),
      textTokens: parameters.maxSequenceLength,
      batch: parameters.guidanceScale > 1 ? 2 : 1,
    },
    { linear: dtype },
  );
  return {
    text_encoder: planPhase(needs.text_encoder, budgetBytes),
    transformer: planPhase(needs.transformer, budgetBytes),
    // The decoder's stages differ from each other: there is nothing to share a ring.
    vae: planPhase({ ...needs.vae, canStream: false }, budgetBytes),
  };
}
