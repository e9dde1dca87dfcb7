/** @file Reads the way out of an error, so that the page can offer it as a button. */
import { ZoetropeError } from '../errors.ts';

export interface Fix {
  /** The option in camelCase, as in `GenerateOptions`. */
  readonly option: string;
  readonly value: number;
}

/** The option that an `invalid-argument` error is about: `width: …` → `width`, `loras[0].source: …` → `loras`. */
export function offendingOption(error: unknown): string | undefined {
  if (!(error instanceof ZoetropeError) || error.code !== 'invalid-argument') return undefined;
  return /^([a-z][A-Za-z.]*)(?:\[\d+\][A-Za-z.]*)?: /.exec(error.message)?.[1];
}

/** The nearest valid value, where message or hint names one. */
export function suggestedFix(error: unknown): Fix | undefined {
  const option = offendingOption(error);
  if (option === undefined || !(error instanceof ZoetropeError)) return undefined;
  const found = /nearest valid[^\d-]*(-?\d+(?:\.\d+)?)/i.exec(
    `${error.message} ${error.hint}`,
  )?.[1];
  return found === undefined ? undefined : { option, value: Number(found) };
}
