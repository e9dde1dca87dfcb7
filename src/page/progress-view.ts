/** @file The progress panel: bar, stage, time and memory. */
import { formatBytes } from '../format-bytes.ts';
import type { Progress } from '../pipeline/api.ts';
import { element } from './elements.ts';
import { formatSeconds } from './format.ts';
import { overallFraction, STAGE_ANNOUNCEMENTS, stageText } from './overall.ts';

export class ProgressView {
  readonly #panel = element('progress', HTMLElement);
  readonly #bar = element('progress-bar', HTMLElement);
  readonly #status = element('status', HTMLElement);
  #startedAt = 0;
  #fraction = 0;
  #isCancelling = false;
  #announced: Progress['type'] | undefined;
  #timer: ReturnType<typeof setInterval> | undefined;

  /** Only for screen readers. */
  announce(text: string): void {
    this.#status.textContent = text;
  }

  start(): void {
    this.#startedAt = performance.now();
    this.#fraction = 0;
    this.#announced = undefined;
    this.#isCancelling = false;
    this.#write('progress-stage', 'Starting');
    this.#write('progress-eta', '');
    this.#write('progress-memory', '');
    this.#panel.hidden = false;
    this.#draw();
    this.#drawElapsed();
    this.#timer = setInterval(() => this.#drawElapsed(), 1000);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#panel.hidden = true;
  }

  /** Until the engine has answered, which on a CPU may take as long as a stage. */
  cancelling(): void {
    this.#isCancelling = true;
    this.#write('progress-stage', 'Cancelling …');
    this.#write('progress-eta', '');
    this.announce('Cancelling …');
  }

  show(progress: Progress): void {
    if (this.#isCancelling) return;
    // A stage that begins again (a second clip compiles a new shape) must not move the bar back.
    this.#fraction = Math.max(this.#fraction, overallFraction(progress) ?? 0);
    this.#write('progress-stage', stageText(progress));
    const { etaSeconds, memory } = progress;
    this.#write(
      'progress-eta',
      etaSeconds === undefined ? '' : `about ${formatSeconds(etaSeconds)} left`,
    );
    this.#write(
      'progress-memory',
      `Memory ${formatBytes(memory.liveBytes)}, at most ${formatBytes(memory.peakBytes)}`,
    );
    const announcement = STAGE_ANNOUNCEMENTS[progress.type];
    if (announcement !== undefined && this.#announced !== progress.type) {
      this.#announced = progress.type;
      this.announce(announcement);
    }
    this.#draw();
  }

  #draw(): void {
    const percent = Math.floor(this.#fraction * 100);
    this.#bar.style.setProperty('--fraction', this.#fraction.toFixed(4));
    this.#bar.setAttribute('aria-valuenow', String(percent));
    this.#bar.setAttribute('aria-valuetext', `${percent} %`);
  }

  #drawElapsed(): void {
    const elapsed = (performance.now() - this.#startedAt) / 1000;
    this.#write('progress-elapsed', `${formatSeconds(elapsed)} so far`);
  }

  #write(id: string, text: string): void {
    const target = element(id, HTMLElement);
    if (target.textContent !== text) target.textContent = text;
  }
}
