/** @file The random numbers of one case: they depend on the seed, the target's name and the case's number alone. */
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';

export class Random {
  readonly #generator: ReturnType<typeof xoroshiro128plus>;

  constructor(seed: number, target: string, index: number) {
    // FNV-1a (Fowler, Noll, Vo).
    let hash = 0x811c9dc5;
    for (const character of `${seed} ${target} ${index}`) {
      hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193);
    }
    this.#generator = xoroshiro128plus(hash);
  }

  /** A whole number from 0 to `count` − 1. */
  below(count: number): number {
    return uniformInt(this.#generator, 0, count - 1);
  }

  pick<T>(choices: readonly T[]): T {
    const chosen = choices[this.below(choices.length)];
    if (chosen === undefined) throw new Error('nothing to choose from');
    return chosen;
  }

  /** @param percent How likely `true` is. */
  chance(percent: number): boolean {
    return this.below(100) < percent;
  }
}
