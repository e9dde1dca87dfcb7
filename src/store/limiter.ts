/** @file Lets a bounded number of tasks run at a time, in the order in which they came. */

export class Limiter {
  readonly #limit: number;
  #running = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(limit: number) {
    this.#limit = limit;
  }

  async run<T>(task: () => Promise<T>): Promise<T> {
    if (this.#running >= this.#limit) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    } else {
      this.#running++;
    }
    try {
      return await task();
    } finally {
      // The place is handed over rather than freed, so that a newcomer cannot overtake.
      const next = this.#waiting.shift();
      if (next) next();
      else this.#running--;
    }
  }
}
