/** @file What a decode of several latent frames is foretold to take. */
import { decodeActivationBytes } from '../decode/cost.ts';
import type { DecoderPlan } from '../decode/decoder-plan.ts';
import { planPhase } from '../runtime/planner.ts';

/** Bytes, without a budget. */
export function predictedDecodePeak(plan: DecoderPlan): number {
  const activationBytes = decodeActivationBytes(plan);
  return planPhase({ stages: plan.rest, variants: plan.first, activationBytes }, Infinity)
    .predictedPeakBytes;
}
