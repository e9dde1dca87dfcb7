/** @file Saves the clip that is shown: as a video, a GIF or numbered pictures. */
import { describeUnknown } from '../describe-unknown.ts';
import { isAbortError, ZoetropeError } from '../errors.ts';
import { formatBytes } from '../format-bytes.ts';
import type { Container, GenerationParameters } from '../pipeline/api.ts';
import { CodecField, isVideo } from './codec-field.ts';
import { download } from './download.ts';
import { element, select } from './elements.ts';
import type { Saving } from './saving.ts';

export class ClipSaver {
  readonly #saving: Saving;
  readonly #codec = new CodecField();
  readonly #status = element('save-status', HTMLElement);
  readonly #buttons = [...document.querySelectorAll<HTMLButtonElement>('button[data-container]')];
  #isSaving = false;

  constructor(saving: Saving) {
    this.#saving = saving;
    select('scale').addEventListener('change', () => {
      this.#recover();
      const clip = saving.current();
      if (clip) this.#offerCodecs(clip.result.parameters);
    });
    select('codec').addEventListener('change', () => {
      this.#recover();
      this.#markButtons();
    });
    const clip = saving.current();
    if (clip) this.#offerCodecs(clip.result.parameters);
  }

  /** Another clip is shown. */
  offer(parameters: GenerationParameters): void {
    this.#status.textContent = '';
    this.#offerCodecs(parameters);
  }

  async save(container: Container): Promise<void> {
    const clip = this.#saving.current();
    if (!clip || this.#isSaving) return;
    const conflict = this.#codec.conflict(container);
    if (conflict !== undefined) {
      this.#status.textContent = conflict;
      return;
    }
    const codec = isVideo(container) ? this.#codec.value : undefined;
    this.#isSaving = true;
    this.#recover();
    this.#markButtons();
    this.#status.textContent = `Encoding ${container} …`;
    try {
      const scale = Number(select('scale').value);
      const encoded = await clip.result.encode({
        container,
        scale,
        ...(codec === undefined ? {} : { codec }),
      });
      const file = await download(encoded, clip.result.parameters);
      const notice = encoded.notices.map(({ message }) => message).join(' ');
      if (isVideo(container) && notice !== '') this.#codec.note(container, encoded.codec, notice);
      this.#status.textContent = `${file.name}, ${formatBytes(file.size)} (${encoded.codec})${notice === '' ? '' : `. ${notice}`}`;
    } catch (error) {
      this.#status.textContent = '';
      if (isAbortError(error)) return;
      if (isVideo(container) && isEncodersFailure(error)) {
        this.#codec.note(container, undefined, describeUnknown(error));
      }
      this.#saving.onError(error);
    } finally {
      this.#isSaving = false;
      this.#markButtons();
    }
  }

  #recover(): void {
    this.#status.textContent = '';
    this.#saving.onRecover();
  }

  #offerCodecs(parameters: GenerationParameters): void {
    const offering = this.#codec.offer(parameters, Number(select('scale').value));
    // Where the browser does not say, the automatic choice remains.
    offering.then(() => this.#markButtons()).catch(() => undefined);
  }

  #markButtons(): void {
    for (const each of this.#buttons) {
      const conflict = this.#codec.conflict(each.dataset['container'] as Container);
      // Not the `disabled` attribute: the pressed button would lose the focus.
      each.setAttribute('aria-disabled', String(this.#isSaving || conflict !== undefined));
      each.title = conflict ?? '';
    }
  }
}

function isEncodersFailure(error: unknown): boolean {
  return error instanceof ZoetropeError && error.code === 'feature-missing';
}
