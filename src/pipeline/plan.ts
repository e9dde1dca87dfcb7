/** @file What a run will take, phase by phase, settled before anything is computed. */
import type { ComponentName, ModelCheckpoint } from '../families/family.ts';
import type { Precision } from '../graph/index.ts';
import {
  BudgetTooSmallError,
  type PhaseNeeds,
  planPhase,
  type PhasePlan,
} from '../runtime/planner.ts';
import type { GenerationParameters } from './api.ts';

export interface RunPlan {
  readonly phases: Readonly<Record<ComponentName, PhasePlan>>;
  /** Whether both passes of guidance hold their activations at once. */
  readonly guidance: 'batched' | 'sequential';
  /** Pixels a side of a decoder tile; absent: whole frames. */
  readonly tile?: number;
}

export interface PlanSettings {
  readonly precision: Precision;
  /** Nothing may pass it; infinite for no limit. */
  readonly budgetBytes: number;
  /** What is aimed at; passed, up to the budget, where nothing less would do. */
  readonly targetBytes: number;
  readonly guidance?: 'batched' | 'sequential';
  readonly tile?: number;
}

export type PlannedParameters = Pick<
  GenerationParameters,
  'width' | 'height' | 'numFrames' | 'guidanceScale' | 'maxSequenceLength'
>;

/** @throws BudgetTooSmallError (`out-of-memory`) of the phase that needs most, if one cannot fit. */
export function planRun(
  checkpoint: ModelCheckpoint,
  parameters: PlannedParameters,
  settings: PlanSettings,
): RunPlan {
  const { precision, tile } = settings;
  const latents = checkpoint.latentShape(parameters);
  const textTokens = parameters.maxSequenceLength;
  const needs = (batch: number): Readonly<Record<ComponentName, PhaseNeeds>> =>
    checkpoint.needs({ latents, textTokens, batch, tile }, precision);
  const single = needs(1);
  const both = parameters.guidanceScale > 1 ? needs(2) : single;

  let guidance = settings.guidance ?? 'batched';
  let transformer = fit(guidance === 'batched' ? both.transformer : single.transformer, settings);
  if (transformer instanceof BudgetTooSmallError && settings.guidance === undefined) {
    // Batched costs activations, sequential streams every weight twice: it is for where nothing else fits.
    transformer = fit(single.transformer, settings);
    guidance = 'sequential';
  }
  const attempts = {
    text_encoder: fit(single.text_encoder, settings),
    transformer,
    vae: fit({ ...single.vae, canStream: false }, settings),
  };
  return {
    phases: settled(attempts),
    guidance,
    ...(tile === undefined ? {} : { tile }),
  };
}

/** Within the target, or with the least that does where the budget allows that. */
function fit(
  needs: PhaseNeeds,
  { budgetBytes, targetBytes }: PlanSettings,
): PhasePlan | BudgetTooSmallError {
  try {
    return planPhase(needs, targetBytes);
  } catch (error) {
    if (!(error instanceof BudgetTooSmallError)) throw error;
    return error.leastBytes <= budgetBytes ? planPhase(needs, error.leastBytes) : error;
  }
}

/** The plans, if all phases have one. */
function settled(
  attempts: Readonly<Record<ComponentName, PhasePlan | BudgetTooSmallError>>,
): RunPlan['phases'] {
  const failures = Object.values(attempts).filter((each) => each instanceof BudgetTooSmallError);
  const [worst] = failures.toSorted((a, b) => b.leastBytes - a.leastBytes);
  if (worst) throw worst;
  return attempts as RunPlan['phases'];
}
