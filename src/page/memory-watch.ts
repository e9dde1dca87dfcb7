/** @file Watches the memory of a run: by its progress, and by asking in between where the engine has time to answer. */
import type { MemoryReading, Progress } from '../pipeline/api.ts';
import { MemoryRecord } from './memory-record.ts';
import type { Timeline } from './timeline.ts';

/** Milliseconds. */
const ASK_EVERY = 250;

export class MemoryWatch {
  readonly record: MemoryRecord;
  readonly #timeline: Timeline;
  readonly #startedAt = performance.now();
  #timer: ReturnType<typeof setInterval> | undefined;
  #isAsking = false;
  #hasEnded = false;

  constructor(timeline: Timeline, budgetBytes: number | undefined) {
    this.record = new MemoryRecord(budgetBytes);
    this.#timeline = timeline;
    timeline.follow(this.record);
  }

  progress(progress: Progress): void {
    if (this.#hasEnded) return;
    this.record.addProgress(progress, this.#seconds);
    this.#timeline.update();
  }

  /** Asks at intervals from now on. On wasm the answer comes when the worker is free: one question at a time. */
  ask(memory: () => Promise<MemoryReading>): void {
    this.#timer = setInterval(() => {
      if (this.#isAsking) return;
      this.#isAsking = true;
      memory()
        .then((reading) => this.#answer(reading))
        // A run that fails tells so itself.
        .catch(() => undefined)
        .finally(() => (this.#isAsking = false));
    }, ASK_EVERY);
  }

  end(): void {
    this.#hasEnded = true;
    clearInterval(this.#timer);
    this.#timeline.end();
  }

  #answer(reading: MemoryReading): void {
    if (this.#hasEnded) return;
    this.record.addReading(reading, this.#seconds);
    this.#timeline.update();
  }

  get #seconds(): number {
    return (performance.now() - this.#startedAt) / 1000;
  }
}
