/**
 * @file Which model: one of the catalogue, each with a verdict for this machine, or another by name or address. What is
 * said of the catalogue's needs no network; another model on another machine is asked nothing until the user says so.
 */
import {
  assessModel,
  CATALOGUE,
  listStoredModels,
  type StoredModel,
  type Verdict,
} from '../index.ts';
import { variantOf } from '../families/variant.ts';
import { button, create, element, input, select } from './elements.ts';
import { FastDecoderOffer, isOwnDecoder } from './fast-decoder.ts';
import { showLicence } from './licence.ts';
import { modelCard, showKept, showLevel, showVerdict } from './model-cards.ts';
import { type ModelChoice, readModelChoice, shownPlace } from './model-choice.ts';
import { PART_FIELDS } from './model-parts.ts';
import { modelChoice, readSettings } from './settings.ts';
import { setUpToken } from './hub-token.ts';

export interface PickerEvents {
  /** Another model than before. */
  readonly onChoose: () => void;
  /** The same model, with other parts from elsewhere than before. */
  readonly onParts: () => void;
  /** The user wants to know what is behind the name. */
  readonly onCheck: () => void;
}

const OTHER = 'model-other';

export class ModelPicker {
  readonly #events: PickerEvents;
  readonly #cards = new Map<string, HTMLElement>();
  readonly #offer: FastDecoderOffer;
  readonly #verdicts = new Map<string, Promise<Verdict>>();

  constructor(events: PickerEvents) {
    this.#events = events;
    this.#offer = new FastDecoderOffer(() => events.onParts());
    const list = element('model-cards', HTMLElement);
    for (const entry of CATALOGUE) {
      const card = modelCard(entry);
      this.#cards.set(entry.id, card);
      list.append(card);
    }
    list.addEventListener('change', ({ target }) => {
      if (target instanceof HTMLInputElement && target.type === 'radio') this.#choose(target.value);
    });
    input(OTHER).addEventListener('change', () => {
      input('model').value = '';
      this.show();
      input('model').focus();
    });
    for (const id of ['lora', ...PART_FIELDS]) {
      element(id, HTMLElement).addEventListener('change', () => this.#events.onParts());
    }
    for (const id of ['model', 'revision']) {
      input(id).addEventListener('change', () => this.#events.onChoose());
    }
    for (const id of ['model', 'revision', ...PART_FIELDS]) {
      input(id).addEventListener('keydown', (event) => {
        // Enter in these fields looks at the model; it does not start a run of it.
        if (event.key !== 'Enter' || event.ctrlKey || event.metaKey) return;
        event.preventDefault();
        this.#events.onCheck();
      });
    }
    button('check-model').addEventListener('click', () => this.#events.onCheck());
    element('models', HTMLDetailsElement).addEventListener('toggle', () => void this.#assessAll());
    select('device').addEventListener('change', () => {
      this.reassess();
    });
    setUpToken();
  }

  /** What is to be expected of the models has changed. */
  reassess(): void {
    this.#verdicts.clear();
    for (const { card } of this.#listed()) {
      const badge = card.querySelector<HTMLElement>('.verdict');
      if (badge) showLevel(badge, undefined);
    }
    this.show();
    void this.#assessAll();
  }

  /** Brings the cards in step with the name in the form. */
  show(): void {
    const reference = this.reference();
    const entry = reference?.entry;
    const radio = entry ? input(`model-${entry.id}`) : input(OTHER);
    radio.checked = true;
    element('other-model', HTMLElement).hidden = entry !== undefined;
    const other = input('model').value.trim();
    element('model-title', HTMLElement).textContent =
      entry?.title ?? (other === '' ? 'another one' : shownPlace(other));
    const badge = element('model-verdict', HTMLElement);
    badge.hidden = entry === undefined;
    if (entry) {
      showLevel(badge, undefined);
      void this.verdict(entry.id).then(
        ({ level }) => {
          if (this.reference()?.entry === entry) showLevel(badge, level);
        },
        () => (badge.hidden = true),
      );
    }
    this.#offer.show(entry);
    showLicence(reference, isOwnDecoder(entry, readSettings().load.fastDecoder));
  }

  /** Says on the cards which models are kept, and whether they were verified. */
  showKept(models: readonly StoredModel[]): void {
    for (const { entry, card } of this.#listed()) {
      const { source } = modelChoice(entry.id);
      const variant = variantOf([], entry.load.loras ?? []);
      const own = ownOf(models, source, variant);
      const kept = own.find(({ state }) => state === 'complete');
      showKept(card, entry, kept);
      // The next look at its verdict: what that says of storage depends on what is there.
      if (own.length > 0) this.#verdicts.delete(entry.id);
    }
  }

  /** Undefined for a name that is none. */
  reference(): ModelChoice | undefined {
    try {
      return readModelChoice(readSettings().model, document.baseURI);
    } catch {
      return undefined;
    }
  }

  /** What to expect of a model of the catalogue: worked out once. */
  verdict(id: string): Promise<Verdict> {
    const known = this.#verdicts.get(id);
    if (known) return known;
    const asked = this.#assess(id);
    this.#verdicts.set(id, asked);
    return asked;
  }

  async #assess(id: string): Promise<Verdict> {
    const { device, load } = readSettings();
    const { source, entry: asked } = modelChoice(id);
    // Where there is no storage, loading says so.
    const models = await listStoredModels().catch(() => []);
    const variant = variantOf([], asked?.load.loras ?? []);
    const own = ownOf(models, source, variant);
    const isStored = own.some(({ state }) => state === 'complete');
    const keptBytes = Math.max(0, ...own.map(({ bytes }) => bytes));
    const fastDecoder = isOwnDecoder(asked, load.fastDecoder);
    const verdict = await assessModel(id, { device, isStored, keptBytes, fastDecoder });
    for (const { card, entry } of this.#listed()) {
      if (entry.id === id) showVerdict(card, entry, verdict);
    }
    return verdict;
  }

  /** One after the other, so that the engine can answer others in between. */
  async #assessAll(): Promise<void> {
    if (!element('models', HTMLDetailsElement).open) return;
    for (const { entry, card } of this.#listed()) {
      await this.verdict(entry.id).catch((error: unknown) => {
        const badge = card.querySelector('.verdict');
        badge?.replaceChildren(
          create('span', {}, error instanceof Error ? error.message : 'unknown'),
        );
      });
    }
  }

  #choose(id: string): void {
    input('model').value = id;
    input('revision').value = '';
    this.show();
    this.#events.onChoose();
  }

  *#listed(): Generator<{ entry: (typeof CATALOGUE)[number]; card: HTMLElement }> {
    for (const entry of CATALOGUE) {
      const card = this.#cards.get(entry.id);
      if (card) yield { entry, card };
    }
  }
}

/** The stored copies of this model, one for each format. */
function ownOf(
  models: readonly StoredModel[],
  source: string,
  variant: string | undefined,
): StoredModel[] {
  return models.filter((model) => model.source === source && model.variant === variant);
}
