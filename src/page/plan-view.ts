/** @file What the clip in the form will take, in words and bars. */
import { formatBytes } from '../format-bytes.ts';
import type { MemoryPlan, PartName, PhaseMemory } from '../pipeline/api.ts';
import { button, create, element } from './elements.ts';

export const OUTCOMES: Record<MemoryPlan['outcome'], string> = {
  resident: 'Fits',
  streamed: 'Fits, streamed',
  'too-large': 'Does not fit',
};

const PHASE_NAMES: Record<PartName, string> = {
  text_encoder: 'Text',
  transformer: 'Denoise',
  vae: 'Decode',
  fast_decoder: 'Decode',
};

/** A budget this many times the peak would leave bars too short to be seen: they are then drawn to the peak. */
const BUDGET_IN_SIGHT = 5;

const panel = (): HTMLElement => element('plan', HTMLElement);

/** While another plan is being made the old one stays, marked. */
export function markPlanBusy(isBusy: boolean): void {
  panel().setAttribute('aria-busy', String(isBusy));
}

/** Where the weights will be: in RAM or in the browser's storage. */
export interface WeightsPlace {
  readonly isStored: boolean;
  /** What is still to be fetched of them. */
  readonly lackingBytes: number;
  /** What may go wrong there, in a sentence. */
  readonly remark?: string | undefined;
}

export function showPlan(plan: MemoryPlan, place: WeightsPlace): void {
  const { outcome, reason, phases, predictedPeakBytes, budgetBytes, leastBudgetBytes } = plan;
  panel().dataset['outcome'] = outcome;
  write('plan-outcome', OUTCOMES[outcome]);
  const of = budgetBytes === undefined ? '' : ` of ${formatBytes(budgetBytes)}`;
  write('plan-peak', phases.length === 0 ? '' : `about ${formatBytes(predictedPeakBytes)}${of}`);
  write('plan-reason', `${reason} ${place.remark ?? ''}`.trim());
  const fix = button('plan-fix');
  button('plan-check').hidden = true;
  fix.hidden = leastBudgetBytes === undefined;
  if (leastBudgetBytes !== undefined) {
    fix.textContent = `Allow ${formatBytes(Math.ceil(leastBudgetBytes / 1e5) * 1e5)}`;
  }
  const isInSight =
    budgetBytes !== undefined && budgetBytes <= predictedPeakBytes * BUDGET_IN_SIGHT;
  const scale = Math.max(predictedPeakBytes, isInSight ? budgetBytes : 0, 1);
  element('plan-phases', HTMLElement).replaceChildren(
    ...phases.flatMap((phase) => phaseRow(phase, scale, isInSight ? budgetBytes : undefined)),
  );
  write('plan-facts', facts(plan, place));
}

/** There is no plan, and why. @param canCheck Whether a look at the model would make one. */
export function showNoPlan(why: string, canCheck = false): void {
  panel().dataset['outcome'] = 'none';
  write('plan-outcome', 'No plan yet');
  write('plan-peak', '');
  write('plan-reason', why);
  write('plan-facts', '');
  button('plan-fix').hidden = true;
  button('plan-check').hidden = !canCheck;
  element('plan-phases', HTMLElement).replaceChildren();
}

function phaseRow(phase: PhaseMemory, scale: number, budget: number | undefined): Node[] {
  const { name, residentWeightBytes, predictedPeakBytes } = phase;
  const bar = create('span', { className: 'plan-bar' });
  const weights = Math.min(residentWeightBytes, predictedPeakBytes);
  bar.append(
    share('plan-weights', weights / scale),
    share('plan-work', (predictedPeakBytes - weights) / scale),
  );
  if (budget !== undefined) {
    const mark = create('span', { className: 'plan-budget' });
    mark.style.insetInlineStart = percent(budget / scale);
    bar.append(mark);
  }
  return [
    create('dt', {}, PHASE_NAMES[name]),
    create('dd', {}, bar, create('span', {}, formatBytes(predictedPeakBytes))),
  ];
}

function share(className: string, fraction: number): HTMLElement {
  const part = create('span', { className });
  part.style.inlineSize = percent(fraction);
  return part;
}

function percent(fraction: number): string {
  return `${(fraction * 100).toFixed(2)}%`;
}

function facts(plan: MemoryPlan, place: WeightsPlace): string {
  const { downloadBytes, storedBytes, weights } = plan;
  const kept = `${formatBytes(storedBytes)} of weights (${weights})`;
  const fetched = place.lackingBytes;
  const rest = fetched < downloadBytes ? ', and has the rest' : '';
  return [
    fetched === 0
      ? 'Nothing to fetch'
      : `Fetches ${formatBytes(fetched)} once Generate is pressed${rest}`,
    place.isStored ? `keeps ${kept} in storage` : `holds ${kept} in RAM`,
  ].join(' · ');
}

function write(id: string, text: string): void {
  const target = element(id, HTMLElement);
  target.textContent = text;
  target.hidden = text === '';
}
