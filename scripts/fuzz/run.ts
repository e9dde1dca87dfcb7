/** @file Runs cases of one target, one after another. */
import { Random } from './random.ts';
import { type Case, judge, type Target, type Verdict } from './target.ts';

export interface Judged extends Verdict {
  readonly index: number;
  readonly input: Case;
}

export function caseOf(target: Target, seed: number, index: number): Case {
  return target.generate(new Random(seed, target.name, index));
}

/**
 * @param options.before Called before each case, for those who watch from outside whether it ends.
 * @param options.until Looked at before each case.
 */
export async function runCases(
  target: Target,
  options: {
    seed: number;
    first?: number;
    count?: number;
    until?: () => boolean;
    before?: (index: number, input: Case) => void | Promise<void>;
    after?: (judged: Judged) => void | Promise<void>;
  },
): Promise<void> {
  const { seed, first = 0, count = Infinity, until, before, after } = options;
  for (let index = first; index < first + count; index++) {
    if (until?.() === true) return;
    const input = caseOf(target, seed, index);
    await before?.(index, input);
    await after?.({ index, input, ...(await judge(target, input)) });
  }
}
