/** @file A small moving picture in the viewer's corner: what the clip is becoming while it is denoised. */
import type { FrameGroup } from '../pipeline/api.ts';
import { element } from './elements.ts';
import { Player } from './player.ts';

const prefersStill = matchMedia('(prefers-reduced-motion: reduce)');

export class PreviewView {
  readonly #figure = element('preview', HTMLElement);
  readonly #canvas = element('preview-canvas', HTMLCanvasElement);
  readonly #player = new Player(this.#canvas);
  #step = 0;
  #totalSteps = 0;

  /** Tells which step the next pictures are of. */
  step({ step, totalSteps }: { step: number; totalSteps: number }): void {
    this.#step = step + 1;
    this.#totalSteps = totalSteps;
  }

  /** @param seconds Of the whole clip: the pictures are spread over it. */
  show(frames: FrameGroup, seconds: number): void {
    const { frame } = this.#player;
    this.#player.clear(frames.count / seconds);
    this.#player.append(frames);
    this.#player.complete();
    const words = `step ${this.#step} of ${this.#totalSteps}`;
    element('preview-step', HTMLElement).textContent = words;
    this.#canvas.setAttribute('aria-label', `Preview of the clip after ${words}`);
    this.#figure.hidden = false;
    if (prefersStill.matches) {
      this.#player.seek(frames.count >> 1);
      return;
    }
    // The movement goes on where the pictures before had come to.
    this.#player.seek(Math.max(0, frame));
    this.#player.play();
  }

  hide(): void {
    this.#player.clear(1);
    this.#figure.hidden = true;
  }
}
