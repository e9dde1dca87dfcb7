/** @file Shows frames on a canvas at the clip's rate: as they arrive, then in a loop. */
import type { FrameGroup } from '../pipeline/api.ts';

export class Player {
  /** Called whenever another frame is shown or the clip grows. */
  onChange: (() => void) | undefined;

  readonly #canvas: HTMLCanvasElement;
  readonly #context: CanvasRenderingContext2D;
  #frames: ImageData[] = [];
  #shown = -1;
  #secondsAFrame = 1 / 8;
  #isPlaying = false;
  #isComplete = false;
  #dueAt = 0;
  #request = 0;

  constructor(canvas: HTMLCanvasElement) {
    const context = canvas.getContext('2d');
    if (!context) throw new Error('This browser has no canvas.');
    this.#canvas = canvas;
    this.#context = context;
  }

  get frameCount(): number {
    return this.#frames.length;
  }

  get frame(): number {
    return this.#shown;
  }

  get isPlaying(): boolean {
    return this.#isPlaying;
  }

  /** Forgets the clip and waits for another. */
  clear(frameRate: number): void {
    this.pause();
    this.#frames = [];
    this.#shown = -1;
    this.#isComplete = false;
    this.#secondsAFrame = 1 / frameRate;
  }

  /** Adds frames at the end; while the clip is incomplete the player waits at its last frame. */
  append({ count, width, height, rgba }: FrameGroup): void {
    const bytes = width * height * 4;
    for (let index = 0; index < count; index++) {
      const pixels = rgba.subarray(index * bytes, (index + 1) * bytes);
      this.#frames.push(new ImageData(pixels, width, height));
    }
    if (this.#shown < 0) {
      this.#canvas.width = width;
      this.#canvas.height = height;
      this.seek(0);
    }
    this.onChange?.();
  }

  /** The clip is whole: from now on it loops. */
  complete(): void {
    this.#isComplete = true;
    this.onChange?.();
  }

  play(): void {
    if (this.#isPlaying) return;
    this.#isPlaying = true;
    this.#dueAt = performance.now() / 1000 + this.#secondsAFrame;
    this.#request = requestAnimationFrame(this.#tick);
    this.onChange?.();
  }

  pause(): void {
    this.#isPlaying = false;
    cancelAnimationFrame(this.#request);
    this.onChange?.();
  }

  seek(frame: number): void {
    const pixels = this.#frames[frame];
    if (!pixels) return;
    this.#shown = frame;
    this.#context.putImageData(pixels, 0, 0);
    this.onChange?.();
  }

  readonly #tick = (milliseconds: number): void => {
    this.#request = requestAnimationFrame(this.#tick);
    const now = milliseconds / 1000;
    if (now < this.#dueAt) return;
    // After a pause of the tab the clip goes on from here instead of racing to catch up.
    this.#dueAt = Math.max(this.#dueAt + this.#secondsAFrame, now);
    const next = this.#shown + 1;
    if (next < this.#frames.length) this.seek(next);
    else if (this.#isComplete && this.#frames.length > 1) this.seek(0);
  };
}
