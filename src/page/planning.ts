/** @file Keeps the plan in step with the form: made anew a moment after the last change, the one before given up. */
import { describeUnknown } from '../describe-unknown.ts';
import { isAbortError } from '../errors.ts';
import { type CheckpointReport, type MemoryPlan, planListedModel, planMemory } from '../index.ts';
import { askingText, type Consent, isDescribed } from './consent.ts';
import { button, element } from './elements.ts';
import { markPlanBusy, showNoPlan, showPlan, type WeightsPlace } from './plan-view.ts';
import { referenceOf } from './folder-drop.ts';
import { clipSize, modelChoice, readSettings, setOption, type Settings } from './settings.ts';

/** Milliseconds without another change. */
const PATIENCE = 300;

/** Fields that a plan depends on. The model is not among them: it is inspected first, and its defaults filled in. */
const FIELDS = [
  'width',
  'height',
  'num-frames',
  'guidance-scale',
  'max-sequence-length',
  'device',
  'dtype',
  'memory',
  'weights',
  'ram',
  'guidance',
  'tile',
  'storage',
  'decode',
];

export class Planning {
  #controller: AbortController | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #plan: MemoryPlan | undefined;
  #report: CheckpointReport | undefined;
  readonly #consent: Consent;
  readonly #isLoaded: (settings: Settings) => boolean;

  /** @param isLoaded Whether the next run finds the model loaded already. */
  constructor(consent: Consent, isLoaded: (settings: Settings) => boolean) {
    this.#consent = consent;
    this.#isLoaded = isLoaded;
    element('settings', HTMLElement).addEventListener('input', ({ target }) => {
      if (target instanceof HTMLElement && FIELDS.includes(target.id)) this.refresh();
    });
    button('plan-fix').addEventListener('click', () => {
      const least = this.#plan?.leastBudgetBytes;
      if (least === undefined) return;
      setOption('memory.budgetBytes', least);
      // The button goes with the plan that it mends.
      button('generate').focus();
      this.refresh();
    });
  }

  /** The model is another one. */
  look(report: CheckpointReport): void {
    this.#report = report;
    this.refresh();
  }

  /** To call whenever the form was changed by other means than typing. */
  refresh(): void {
    this.stop();
    markPlanBusy(true);
    this.#timer = setTimeout(() => void this.#make(), PATIENCE);
  }

  /** Until the next `refresh`; `why` there will be none. */
  stop(why?: string): void {
    clearTimeout(this.#timer);
    this.#controller?.abort();
    if (why === undefined) return;
    this.#plan = undefined;
    this.#report = undefined;
    showNoPlan(why);
    markPlanBusy(false);
  }

  /** Until somebody agrees that these machines are asked. */
  ask(hosts: readonly string[]): void {
    const why = askingText(hosts);
    this.stop(why);
    showNoPlan(why, true);
  }

  async #make(): Promise<void> {
    const controller = new AbortController();
    this.#controller = controller;
    const { signal } = controller;
    try {
      const settings = readSettings();
      const hosts = this.#consent.missing(settings);
      if (hosts.length > 0) {
        this.ask(hosts);
        return;
      }
      const plan = await planOf(settings, signal);
      const place = await this.#placeOf(plan, settings);
      if (signal.aborted) return;
      this.#plan = plan;
      showPlan(plan, place);
    } catch (error) {
      if (isAbortError(error) || signal.aborted) return;
      this.#plan = undefined;
      showNoPlan(describeUnknown(error));
    }
    markPlanBusy(false);
  }

  async #placeOf(plan: MemoryPlan, settings: Settings): Promise<WeightsPlace> {
    const isStored = settings.storage;
    if (this.#isLoaded(settings)) return { isStored, lackingBytes: 0 };
    const lackingBytes = plan.downloadBytes;
    if (!isStored || !this.#report) return { isStored, lackingBytes };
    // Loaded when it is wanted: few visits keep a model.
    const { storedPlace } = await import('./stored-place.ts');
    return storedPlace(this.#report, plan);
  }
}

function planOf(settings: Settings, signal: AbortSignal): Promise<MemoryPlan> {
  const { model, load, device, dtype, memory, generate } = settings;
  const options = { ...clipSize(generate), preview: true, device, dtype, memory, signal };
  const { source, entry } = modelChoice(model);
  if (!entry || !isDescribed(settings)) {
    return planMemory(referenceOf(source), { ...options, ...load });
  }
  const { fastDecoder } = load;
  return planListedModel(entry.id, {
    ...options,
    ...(fastDecoder === undefined ? {} : { fastDecoder }),
  });
}
