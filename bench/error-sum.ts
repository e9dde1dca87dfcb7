/** @file How far numbers are from those they stand for. */

/** Sums over any number of tensors, as if they were one. */
export class ErrorSum {
  #dot = 0;
  #actual = 0;
  #expected = 0;
  #difference = 0;
  #count = 0;

  add(actual: ArrayLike<number>, expected: ArrayLike<number>): this {
    if (actual.length !== expected.length) throw new Error('tensors of different sizes');
    for (let i = 0; i < expected.length; i++) {
      const a = actual[i] ?? Number.NaN;
      const b = expected[i] ?? Number.NaN;
      this.#dot += a * b;
      this.#actual += a * a;
      this.#expected += b * b;
      this.#difference += (a - b) ** 2;
    }
    this.#count += expected.length;
    return this;
  }

  get cosine(): number {
    return this.#dot / Math.sqrt(this.#actual * this.#expected);
  }

  /** ‖actual − expected‖ over ‖expected‖. */
  get relative(): number {
    return Math.sqrt(this.#difference / this.#expected);
  }

  /** Peak signal-to-noise ratio in dB, where values span `range`; 200 dB if nothing differs. */
  psnr(range: number): number {
    const noise = this.#difference / this.#count;
    return noise === 0 ? 200 : 10 * Math.log10(range ** 2 / noise);
  }
}
