/** @file The progress of a batch. */

/** @typedef {import('./terminal.mjs').Step} Step */

/** One bar for all clips out of the progress of each. */
export class BatchProgress {
  #total;
  #made = 0;
  #within = 0;
  #startedAt = 0;
  #now;

  /**
   * @param {number} total Clips to make.
   * @param {() => number} [now] Milliseconds.
   */
  constructor(total, now = () => performance.now()) {
    this.#total = total;
    this.#now = now;
  }

  /** A clip begins: the one after those made. @param {number} made */
  begin(made) {
    this.#made = made;
    this.#within = 0;
    // The first clip compiles kernels, which the others find: it is counted, since nothing is known without it.
    if (made === 0) this.#startedAt = this.#now();
  }

  /**
   * @param {Step} step Of a clip.
   * @returns {Step} Of the batch.
   */
  over({ fraction, text }) {
    // Saving starts its own bar.
    this.#within = Math.max(this.#within, fraction ?? 0);
    const done = this.#made + this.#within;
    const elapsed = (this.#now() - this.#startedAt) / 1000;
    return {
      fraction: done / this.#total,
      text: `Clip ${this.#made + 1} of ${this.#total}, ${text}`,
      etaSeconds: this.#made === 0 ? undefined : (elapsed / done) * (this.#total - done),
    };
  }
}
