/** @file One phase of a run on the device: whatever happens in it, its memory is given back. */
import type { PartName } from '../families/family.ts';
import type { Backend, TensorKind } from '../runtime/backend.ts';
import type { PhasePlan } from '../runtime/planner.ts';
import { StageRunner } from '../runtime/stage-runner.ts';
import type { PartWeights } from './fetch-weights.ts';
import type { MemorySettings } from './memory-settings.ts';

export interface PhaseContext {
  readonly backend: Backend;
  readonly weights: PartWeights;
  readonly memory: MemorySettings;
}

export async function runPhase<T>(
  context: PhaseContext,
  part: PartName,
  kind: TensorKind,
  plan: PhasePlan | undefined,
  signal: AbortSignal | undefined,
  phase: (runner: StageRunner) => Promise<T>,
): Promise<T> {
  const { backend, weights } = context;
  const source = weights[part];
  if (!source) throw new Error(`${part} has no weights`);
  const streaming = plan?.streaming;
  const runner = new StageRunner(backend, source, { kind, signal, streaming });
  try {
    return await phase(runner);
  } finally {
    await runner.dispose();
    await releaseSessions(context);
  }
}

/** Compiled sessions hold on to their intermediates, which under a budget were promised to whatever comes next. */
export async function releaseSessions({ backend, memory }: PhaseContext): Promise<void> {
  if (Number.isFinite(memory.budgetBytes)) await backend.trim({ sessions: true });
}
