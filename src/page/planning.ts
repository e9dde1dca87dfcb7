/** @file Keeps the plan in step with the form: made anew a moment after the last change, the one before given up. */
import { isAbortError } from '../errors.ts';
import { listStoredModels, planListedModel, planMemory, type StoredFormat } from '../index.ts';
import type { MemoryPlan, WeightsFormat } from '../pipeline/api.ts';
import { button, element } from './elements.ts';
import { markPlanBusy, showNoPlan, showPlan, type WeightsPlace } from './plan-view.ts';
import { referenceOf } from './folder-drop.ts';
import { accessOf, clipSize, modelChoice, readSettings, setOption } from './settings.ts';

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

/** What a whole model is called in storage. One that needed no conversion may be there as it came besides. */
const STORED_AS: Record<WeightsFormat, StoredFormat> = {
  f32: 'source',
  f16: 'f16',
  q8: 'q8',
  q4: 'q4',
};

async function placeInStorage(source: string, { weights }: MemoryPlan): Promise<WeightsPlace> {
  // Where there is no storage, loading says so.
  const models = await listStoredModels().catch(() => []);
  const isThere = models.some(
    (model) =>
      model.source === source && model.format === STORED_AS[weights] && model.state === 'complete',
  );
  return isThere ? 'stored-already' : 'storage';
}

export class Planning {
  #controller: AbortController | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #plan: MemoryPlan | undefined;

  constructor() {
    element('form', HTMLFormElement).addEventListener('input', ({ target }) => {
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
    showNoPlan(why);
    markPlanBusy(false);
  }

  async #make(): Promise<void> {
    const controller = new AbortController();
    this.#controller = controller;
    const { signal } = controller;
    const { model, load, device, dtype, memory, storage, generate } = readSettings();
    const options = { ...clipSize(generate), preview: true, device, dtype, memory, signal };
    try {
      const { source, entry, isRemote } = modelChoice(model);
      // What the catalogue knows is enough, and asks nobody.
      const isListed = entry !== undefined && isRemote && load.fastDecoder === undefined;
      const plan = await (isListed
        ? planListedModel(entry.id, options)
        : planMemory(referenceOf(source), { ...options, ...accessOf(load) }));
      const place = storage ? await placeInStorage(source, plan) : 'ram';
      if (signal.aborted) return;
      this.#plan = plan;
      showPlan(plan, place);
    } catch (error) {
      if (isAbortError(error) || signal.aborted) return;
      this.#plan = undefined;
      showNoPlan(error instanceof Error ? error.message : String(error));
    }
    markPlanBusy(false);
  }
}
