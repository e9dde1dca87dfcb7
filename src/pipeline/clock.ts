/**
 * @file Tells how long a run still takes. Work is counted in floating-point operations of the graphs; the rate at which
 * they are done is measured as they are done, so an estimate exists from the first step on.
 */

export class Clock {
  readonly #total: number;
  readonly #now: () => number;
  #done = 0;
  #measuredFlops = 0;
  #measuredSeconds = 0;
  #last: number | undefined;

  /** @param totalFlops Of the whole run. */
  constructor(totalFlops: number, now: () => number = () => performance.now() / 1000) {
    this.#total = totalFlops;
    this.#now = now;
  }

  /** Starts the interval whose work the next `advance` tells. */
  start(): void {
    this.#last = this.#now();
  }

  /** @param flops Done since `start` or the last `advance`. */
  advance(flops: number): void {
    const now = this.#now();
    if (this.#last !== undefined) {
      this.#measuredFlops += flops;
      this.#measuredSeconds += now - this.#last;
    }
    this.#last = now;
    this.#done += flops;
  }

  /** Seconds, once anything was measured. */
  get etaSeconds(): number | undefined {
    if (this.#measuredFlops === 0) return undefined;
    const left = Math.max(0, this.#total - this.#done);
    return (left * this.#measuredSeconds) / this.#measuredFlops;
  }
}
