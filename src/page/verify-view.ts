/** @file The row of a stored model while it is verified: how far it is, and Cancel. */
import { formatBytes } from '../format-bytes.ts';
import type { VerifyProgress } from '../index.ts';
import { create } from './elements.ts';
import { formatSeconds } from './format.ts';

export class VerifyView {
  readonly panel: HTMLElement;
  readonly #controller = new AbortController();
  readonly #bar: HTMLProgressElement;
  readonly #text = create('p', { className: 'soft' }, 'Asking where it came from …');
  readonly #cancel = create('button', { type: 'button', className: 'small' }, 'Cancel');

  /** @param name Of the model. */
  constructor(name: string) {
    this.#bar = create('progress');
    this.#bar.max = 1;
    this.#bar.setAttribute('aria-label', `Verifying ${name}`);
    this.#cancel.setAttribute('aria-label', `Cancel verifying ${name}`);
    this.#cancel.addEventListener('click', () => this.#controller.abort());
    const actions = create('div', { className: 'actions' }, this.#cancel);
    const words = create('p', {}, create('strong', {}, `Verifying ${name}`));
    this.panel = create('div', { className: 'stored-verifying' }, words, this.#bar, this.#text);
    this.panel.append(actions);
    this.panel.addEventListener('keydown', (event) => {
      if (event.key !== 'Escape') return;
      event.stopPropagation();
      this.#controller.abort();
    });
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  focus(): void {
    this.#cancel.focus();
  }

  show({ file, fraction, readBytes, totalBytes, etaSeconds }: VerifyProgress): void {
    this.#bar.value = fraction;
    const left = etaSeconds === undefined ? '' : `, about ${formatSeconds(etaSeconds)} left`;
    this.#text.textContent = `${file}: ${formatBytes(readBytes)} of ${formatBytes(totalBytes)}${left}`;
  }
}
