/** @file The models in the browser's storage, how much room they take, and deleting one. */
import { describeUnknown } from '../describe-unknown.ts';
import { formatBytes } from '../format-bytes.ts';
import {
  deleteStoredModel,
  isAbortError,
  listStoredModels,
  type StoredModel,
  type VerifyOptions,
  verifyStoredModel,
  ZoetropeError,
} from '../index.ts';
import { certaintyText, certaintyWord } from './certainty-words.ts';
import { create, element } from './elements.ts';
import { roomText, storageRoom } from './storage-room.ts';

/** Milliseconds that another tab's import is waited for. */
const PATIENCE = 3000;

/** What the rest of the page must do or know. */
export interface StoredEvents {
  readonly isRunning: () => boolean;
  /** Lets go of the engine's hold on stored weights, before they are deleted. */
  readonly release: () => Promise<void>;
  readonly onList: (models: readonly StoredModel[]) => void;
  /** What is kept has changed. */
  readonly onChange: () => void;
  /** What a model is to be read again with. */
  readonly verifyOptions: (model: StoredModel) => Pick<VerifyOptions, 'token' | 'folder'>;
}

export class StoredView {
  readonly #events: StoredEvents;
  readonly #list = element('stored-models', HTMLElement);
  #isVerifying = false;
  #describe: (model: StoredModel) => string = () => '';

  constructor(events: StoredEvents) {
    this.#events = events;
    // Another tab may have kept or deleted one.
    document.addEventListener('visibilitychange', () => {
      const isAsked = this.#list.querySelector('.stored-question') !== null;
      if (!document.hidden && !isAsked) void this.refresh();
    });
  }

  async refresh(): Promise<void> {
    // Its row shows the progress, and has Cancel; the list is shown when it is over.
    if (this.#isVerifying) return;
    try {
      const models = await listStoredModels();
      this.#events.onList(models);
      if (models.length > 0) {
        const { describeStored } = await import('./stored-text.ts');
        this.#describe = describeStored;
      }
      this.#list.replaceChildren(...models.map((model) => this.#row(model)));
      element('stored-empty', HTMLElement).hidden = models.length > 0;
      // A browser that does not say how much room there is keeps the models all the same.
      await this.#showRoom().catch(() => undefined);
    } catch (error) {
      this.#list.replaceChildren();
      this.#say(textOf(error));
    }
  }

  /** While a run may read from the models none can be deleted or verified. */
  setRunning(isRunning: boolean): void {
    if (this.#isVerifying) return;
    for (const each of this.#list.querySelectorAll('button')) each.disabled = isRunning;
  }

  async #showRoom(): Promise<void> {
    const room = await storageRoom();
    const line = element('stored-room', HTMLElement);
    line.replaceChildren(roomText(room));
    if (room.isPersisted || room.persist === undefined) return;
    const { persist } = room;
    const ask = create('button', { type: 'button', className: 'small' }, 'Ask to keep it');
    ask.addEventListener('click', () => void this.#askToKeep(persist));
    line.append(' ', ask);
  }

  async #askToKeep(persist: () => Promise<boolean>): Promise<void> {
    const { askToKeep } = await import('./ask-to-keep.ts');
    const answer = await askToKeep(persist);
    await this.#showRoom();
    this.#say(answer);
    element('stored-title', HTMLElement).focus({ preventScroll: true });
  }

  #row(model: StoredModel): HTMLElement {
    const row = create('li');
    const title = create('p', {}, create('strong', {}, model.name));
    title.append(create('span', { className: 'badge' }, formatName(model)));
    const isComplete = model.state === 'complete';
    title.append(create('span', { className: 'badge' }, stateWord(model)));
    const text = create(
      'div',
      {},
      title,
      create('p', { className: 'soft' }, this.#describe(model)),
    );
    const actions = create('div', { className: 'actions' });
    if (isComplete) {
      text.append(create('p', { className: 'soft' }, certaintyText(model)));
      // Where no file was noted there is nothing to read.
      const isNoted = model.files.length > 0;
      if (isNoted)
        actions.append(this.#action('Verify', model, () => void this.#verify(model, row)));
    }
    actions.append(this.#action('Delete', model, () => this.#confirm(model, row)));
    row.append(text, actions);
    row.title = model.damage === undefined ? model.source : `${model.source}: ${model.damage}`;
    return row;
  }

  #action(label: string, model: StoredModel, act: () => void): HTMLButtonElement {
    const action = create('button', { type: 'button', className: 'small' }, label);
    action.setAttribute('aria-label', `${label} ${nameOf(model)}`);
    action.disabled = this.#events.isRunning();
    action.addEventListener('click', act);
    return action;
  }

  /** Progress takes the row's place. What is kept stays, but for what is damaged. */
  async #verify(model: StoredModel, row: HTMLElement): Promise<void> {
    const name = nameOf(model);
    for (const each of this.#list.querySelectorAll('button')) each.disabled = true;
    this.#isVerifying = true;
    this.#say(`Verifying ${name} …`);
    try {
      // Loaded when it is asked for: few visits verify a model.
      const { VerifyView } = await import('./verify-view.ts');
      const { verdictText } = await import('./verdict-text.ts');
      const view = new VerifyView(name);
      row.replaceChildren(view.panel);
      view.focus();
      const { signal } = view;
      const onProgress = view.show.bind(view);
      const options = { ...this.#events.verifyOptions(model), signal, onProgress };
      const report = await verifyStoredModel(model, options);
      if (report.outcome === 'damaged') await this.#events.release();
      this.#say(`${name}: ${verdictText(report)}`);
    } catch (error) {
      const why = isAbortError(error) ? 'you cancelled.' : textOf(error);
      this.#say(`${name} was not verified: ${why}`);
    }
    this.#isVerifying = false;
    await this.refresh();
    this.#events.onChange();
    const next = [...this.#list.querySelectorAll('button')].find(
      (each) => each.getAttribute('aria-label') === `Verify ${name}`,
    );
    (next ?? element('stored-title', HTMLElement)).focus({ preventScroll: true });
  }

  /** The question takes the row's place; nothing is deleted without a second press. */
  #confirm(model: StoredModel, row: HTMLElement): void {
    const yes = create('button', { type: 'button', className: 'danger small' }, 'Delete');
    const no = create('button', { type: 'button', className: 'small' }, 'Keep');
    const text = `Delete ${nameOf(model)}? That frees about ${formatBytes(model.bytes)}; using it again fetches it again.`;
    const question = create('div', { className: 'stored-question' }, create('p', {}, text));
    question.append(create('div', { className: 'actions' }, yes, no));
    question.setAttribute('role', 'group');
    question.setAttribute('aria-label', text);
    const back = (): void => {
      const old = this.#row(model);
      row.replaceWith(old);
      old.querySelector<HTMLElement>('button:last-child')?.focus();
    };
    no.addEventListener('click', back);
    yes.addEventListener('click', () => void this.#delete(model));
    question.addEventListener('keydown', (event) => {
      if (event.key !== 'Escape') return;
      event.stopPropagation();
      back();
    });
    row.replaceChildren(question);
    no.focus();
  }

  async #delete(model: StoredModel): Promise<void> {
    if (this.#events.isRunning()) return;
    this.#say(`Deleting ${nameOf(model)} …`);
    this.setRunning(true);
    try {
      await this.#events.release();
      await deleteStoredModel(model, { signal: AbortSignal.timeout(PATIENCE) });
      this.#say(`${nameOf(model)} is deleted.`);
      this.#events.onChange();
    } catch (error) {
      const isBusy = error instanceof DOMException && error.name === 'TimeoutError';
      this.#say(
        isBusy ? 'Another tab is fetching this model: delete it when that is done.' : textOf(error),
      );
    }
    await this.refresh();
    const next = this.#list.querySelector('button') ?? element('stored-title', HTMLElement);
    next.focus({ preventScroll: true });
  }

  #say(text: string): void {
    element('stored-status', HTMLElement).textContent = text;
  }
}

/** What happened and what to do. */
function textOf(error: unknown): string {
  if (error instanceof ZoetropeError) return `${error.message} ${error.hint}`;
  return describeUnknown(error);
}

function stateWord(model: StoredModel): string {
  if (model.state === 'complete') return certaintyWord(model);
  return model.state === 'importing' ? 'incomplete' : 'damaged';
}

function formatName({ format }: StoredModel): string {
  return format === 'source' ? 'as it came' : format;
}

function nameOf(model: StoredModel): string {
  return `${model.name} (${formatName(model)})`;
}
