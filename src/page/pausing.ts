/** @file Pausing a download, and going on with it. */
import { formatBytes } from '../format-bytes.ts';
import type { DownloadPaused, Progress } from '../index.ts';
import { button, element } from './elements.ts';

export class Pausing {
  #controller: AbortController | undefined;

  constructor(onResume: () => void) {
    button('pause').addEventListener('click', () => this.#controller?.abort());
    button('resume').addEventListener('click', onResume);
  }

  /**
   * A run begins.
   * @returns What pauses its download; undefined if what it fetches is not kept.
   */
  begin(isKept: boolean): AbortSignal | undefined {
    element('paused', HTMLElement).hidden = true;
    this.#controller = isKept ? new AbortController() : undefined;
    return this.#controller?.signal;
  }

  /** There is something to pause while something is fetched. */
  show(progress: Progress): void {
    const isFetching = progress.type === 'download' && progress.fraction < 1;
    button('pause').hidden = !(isFetching && this.#controller);
  }

  /** The run is over. */
  end(): void {
    button('pause').hidden = true;
    this.#controller = undefined;
  }

  /** It was paused. */
  tell({ leftBytes, totalBytes }: DownloadPaused): void {
    element('paused-left', HTMLElement).textContent =
      totalBytes === 0 ? '' : `${formatBytes(leftBytes)} of ${formatBytes(totalBytes)} left`;
    element('paused', HTMLElement).hidden = false;
    button('resume').focus({ preventScroll: true });
  }
}
