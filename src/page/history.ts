/** @file The clips made in this tab, newest first, each a click away. */
import type { VideoResult } from '../pipeline/api.ts';
import { create, element } from './elements.ts';
import type { MemoryRecord } from './memory-record.ts';
import type { Settings } from './settings.ts';

/** The engine keeps each clip's frames: older ones are let go. */
const MOST = 8;

export interface Clip {
  readonly result: VideoResult;
  /** What the form held when it was made. */
  readonly settings: Settings;
  readonly memory: MemoryRecord;
}

export class ClipHistory {
  readonly #section = element('history', HTMLElement);
  readonly #list = element('clips', HTMLElement);
  readonly #onChoose: (clip: Clip) => void;
  readonly #entries: { readonly clip: Clip; readonly item: HTMLElement }[] = [];

  constructor(onChoose: (clip: Clip) => void) {
    this.#onChoose = onChoose;
  }

  /** Adds a clip with a picture of it. */
  add(clip: Clip, picture: HTMLCanvasElement): void {
    const { prompt, seed } = clip.result.parameters;
    const thumbnail = create('canvas');
    thumbnail.width = picture.width;
    thumbnail.height = picture.height;
    thumbnail.getContext('2d')?.drawImage(picture, 0, 0);
    const button = create('button', { type: 'button' }, thumbnail);
    button.setAttribute('aria-label', `${prompt}, seed ${seed}`);
    button.title = `${prompt}, seed ${seed}`;
    button.addEventListener('click', () => this.#onChoose(clip));
    const item = create('li', {}, button);
    this.#entries.unshift({ clip, item });
    this.#list.prepend(item);
    for (const old of this.#entries.splice(MOST)) {
      old.item.remove();
      void old.clip.result.dispose();
    }
    this.#section.hidden = false;
  }

  /** Its frames are gone. */
  remove(clip: Clip): void {
    const index = this.#entries.findIndex((entry) => entry.clip === clip);
    const [entry] = index < 0 ? [] : this.#entries.splice(index, 1);
    entry?.item.remove();
    this.#section.hidden = this.#entries.length === 0;
    void clip.result.dispose();
  }

  markCurrent(clip: Clip): void {
    for (const { clip: each, item } of this.#entries) {
      item.firstElementChild?.setAttribute('aria-current', String(each === clip));
    }
  }
}
