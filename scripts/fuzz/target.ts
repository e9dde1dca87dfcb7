/** @file What the fuzzers have in common: a target makes cases at random and runs them, and every outcome is judged alike. */
import { isAbortError, ZoetropeError } from '../../src/errors.ts';
import type { Random } from './random.ts';

/** Survives JSON: that is how a case is kept. */
export type Case = Readonly<Record<string, unknown>>;

export interface Target {
  readonly name: string;
  /** One line of help. */
  readonly about: string;
  generate(random: Random): Case;
  /** Ends well, or throws what a user of the library would get. */
  run(input: Case): Promise<void>;
  close?(): Promise<void>;
}

/** A result that must not be, such as a sampler that makes NaN of a configuration that was accepted. */
export class WrongResult extends Error {}

export type Fault = 'untyped' | 'unclear' | 'slow' | 'wrong';

export interface Verdict {
  /** Absent: the case ended as it should. */
  readonly fault?: Fault;
  readonly outcome: string;
  readonly ms: number;
}

/** No case may take longer. */
export const LONGEST_MS = 2000;

/** Text that shows a value by mistake. */
const UNCLEAR = /undefined|\[object|\bNaN\b|function \w*\(/;

/** A busy machine makes any case slow once: only a case that is slow twice counts as slow. */
export async function judge(target: Target, input: Case): Promise<Verdict> {
  const verdict = await judgeOnce(target, input);
  return verdict.fault === 'slow' ? judgeOnce(target, input) : verdict;
}

async function judgeOnce(target: Target, input: Case): Promise<Verdict> {
  const started = performance.now();
  let outcome: string;
  let fault: Fault | undefined;
  try {
    await withinTime(target.run(input));
    outcome = 'success';
  } catch (error) {
    [fault, outcome] = judgeError(error);
  }
  const ms = performance.now() - started;
  if (ms > LONGEST_MS) fault ??= 'slow';
  return { ...(fault ? { fault } : {}), outcome, ms };
}

/** Waits no longer than a few times what a case may take. The timer also keeps Node from ending while a case waits. */
async function withinTime(run: Promise<void>): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const over = new Promise<never>((_, reject) => {
    const ms = 3 * LONGEST_MS;
    timer = setTimeout(() => reject(new WrongResult(`no end after ${ms / 1000} s`)), ms);
  });
  try {
    await Promise.race([run, over]);
  } finally {
    clearTimeout(timer);
  }
}

function judgeError(error: unknown): [Fault | undefined, string] {
  if (isAbortError(error)) return [undefined, 'AbortError'];
  if (error instanceof WrongResult) return ['wrong', error.message];
  if (!(error instanceof ZoetropeError)) {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return ['untyped', text];
  }
  const { code, message, hint } = error;
  const isClear =
    message.trim() !== '' && hint.trim() !== '' && !UNCLEAR.test(`${message} ${hint}`);
  return [isClear ? undefined : 'unclear', `${code}: ${message.slice(0, 300)} | ${hint}`];
}
