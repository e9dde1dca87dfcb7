/** @file What a TAEHV decoder will take, from its layout alone: an opened file is this and its weights. */
import { decodeActivationBytes, decodeLiveBytes } from '../../decode/cost.ts';
import type { DecoderPlan } from '../../decode/decoder-plan.ts';
import type { PhaseNeeds } from '../../runtime/planner.ts';
import { locateWeights, type TensorLocator } from '../../runtime/stage.ts';
import { storedBytes, type WeightNeed } from '../../weights/storage-format.ts';
import type { LatentShape, PlannedFastDecoder } from '../family.ts';
import { type Fineness, taehvPlan } from './decoder.ts';
import type { TaehvLayout } from './layout.ts';

/**
 * One picture a latent frame, of half, a quarter or an eighth of the clip's size (with patches of 2, the whole clip's
 * down to a quarter): enough to see what is becoming of it, and movement tells more than pixels.
 */
const PREVIEWS: readonly Fineness[] = [
  { time: false, doublings: 2 },
  { time: false, doublings: 1 },
  { time: false, doublings: 0 },
];

/** Every tensor that a decode reads. @throws ZoetropeError `model-format`, naming the tensor that `files` lacks. */
export function taehvWeights(layout: TaehvLayout, files: TensorLocator): WeightNeed[] {
  // The first frame's stages have the same weights as the others'.
  return locateWeights(files, taehvPlan(layout, { height: 1, width: 1 }).rest);
}

/** @param source Where the decoder comes from. */
export function planTaehv(
  layout: TaehvLayout,
  weights: readonly WeightNeed[],
  source: string,
): PlannedFastDecoder {
  const planOf = (shape: LatentShape, tile?: number, fineness?: Fineness): DecoderPlan => {
    const plan = taehvPlan(layout, shape, tile, fineness);
    return shape.frames > 1 ? plan : { ...plan, rest: [] };
  };
  const sum = (of: (need: WeightNeed) => number): number =>
    weights.reduce((total, need) => total + of(need), 0);
  return {
    summary: {
      name: 'fast_decoder',
      source,
      bytes: sum(({ tensor }) => tensor.end - tensor.start),
      parameters: sum(({ tensor }) => tensor.shape.reduce((a, b) => a * b, 1)),
    },
    storedBytes: sum(storedBytes),
    needs: (latents, tile) => needsOf(planOf(latents, tile)),
    previews: (latents) =>
      PREVIEWS.map((fineness) => {
        const plan = planOf(latents, undefined, fineness);
        return { plan, needs: needsOf(plan) };
      }),
    decoderPlan: (latents, tile) => taehvPlan(layout, latents, tile),
  };
}

/** @param plan Without `rest` if the clip is a single frame. */
function needsOf(plan: DecoderPlan): PhaseNeeds {
  const stages = plan.rest.length > 0 ? plan.rest : plan.first;
  return {
    stages,
    variants: plan.first,
    activationBytes: decodeActivationBytes(plan),
    liveBytes: decodeLiveBytes(plan),
  };
}
