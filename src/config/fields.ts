/**
 * @file Typed, checked access to a parsed JSON object that a stranger wrote. Only the object's own fields count:
 * `constructor` and its like are absent unless the file has them.
 */
import { modelFormat, type ZoetropeError } from '../errors.ts';

/** Both ends are allowed. */
export interface NumberRange {
  readonly least: number;
  readonly most: number;
}

export interface FieldsOptions {
  /** What the user can do about a field that is refused. */
  readonly hint?: string;
}

const HINT = 'This kind of checkpoint is not supported: see the README for those that are.';

/** Each method throws `model-format`, naming file and field, when the value is not of the kind it should be. */
export class Fields {
  readonly #fields: Readonly<Record<string, unknown>>;
  readonly #file: string;
  readonly #hint: string;

  /** @throws ZoetropeError `model-format` if `json` is not an object. */
  constructor(json: unknown, file: string, { hint = HINT }: FieldsOptions = {}) {
    if (!isRecord(json)) {
      throw modelFormat(
        `${file} is not an object.`,
        'The file is damaged: copy or download it again.',
      );
    }
    this.#fields = json;
    this.#file = file;
    this.#hint = hint;
  }

  /** The value as the file has it; undefined if it has none. */
  get(name: string): unknown {
    return Object.hasOwn(this.#fields, name) ? this.#fields[name] : undefined;
  }

  names(): readonly string[] {
    return Object.keys(this.#fields);
  }

  /** @param problem Follows the value: “not a number.” */
  error(name: string, problem: string): ZoetropeError {
    return modelFormat(
      `${this.#file}: ${name} is ${describe(this.get(name))}, ${problem}`,
      this.#hint,
    );
  }

  /** A whole number. `null` counts as absent. @param fallback Absent: the field has to be there. */
  integer(name: string, { least, most }: NumberRange, fallback?: number): number {
    const value = this.get(name) ?? fallback;
    if (Number.isSafeInteger(value) && isWithin(value as number, { least, most })) {
      return value as number;
    }
    throw this.error(name, `not a whole number from ${least} to ${most}.`);
  }

  number(name: string, { least, most }: NumberRange, fallback?: number): number {
    const value = this.get(name) ?? fallback;
    if (typeof value === 'number' && isWithin(value, { least, most })) return value;
    throw this.error(name, `not a number from ${least} to ${most}.`);
  }

  boolean(name: string, fallback: boolean): boolean {
    const value = this.get(name) ?? fallback;
    if (typeof value === 'boolean') return value;
    throw this.error(name, 'neither true nor false.');
  }

  /** One of `choices`. A `fallback` that is none of them makes the field one that has to be there. */
  choice<T extends string>(name: string, choices: readonly T[], fallback: string): T {
    const value = this.get(name) ?? fallback;
    const found = choices.find((choice) => choice === value);
    if (found !== undefined) return found;
    throw this.error(name, `which is not supported (it can be ${choices.join(' or ')}).`);
  }

  /** @param range With the most entries that the list may have. */
  numbers(
    name: string,
    range: NumberRange & { readonly length: number },
    fallback: readonly number[],
  ): readonly number[] {
    const isNumber = (item: unknown): item is number =>
      typeof item === 'number' && isWithin(item, range);
    const kind = `numbers from ${range.least} to ${range.most}`;
    return this.#list(name, isNumber, range.length, kind, fallback);
  }

  integers(
    name: string,
    range: NumberRange & { readonly length: number },
    fallback: readonly number[],
  ): readonly number[] {
    const isInteger = (item: unknown): item is number =>
      Number.isSafeInteger(item) && isWithin(item as number, range);
    const kind = `whole numbers from ${range.least} to ${range.most}`;
    return this.#list(name, isInteger, range.length, kind, fallback);
  }

  booleans(name: string, length: number, fallback: readonly boolean[]): readonly boolean[] {
    return this.#list(name, isBoolean, length, 'true or false', fallback);
  }

  /** Refuses a field that is set to anything but one of `allowed`. */
  only(name: string, ...allowed: readonly unknown[]): void {
    const value = this.get(name);
    if (value === undefined || allowed.includes(value)) return;
    throw this.error(name, 'which is not supported.');
  }

  /** Refuses options that change the result and are not implemented: anything but absent, null, false and 0. */
  refuse(...names: readonly string[]): void {
    for (const name of names) this.only(name, null, false, 0);
  }

  #list<T>(
    name: string,
    isItem: (item: unknown) => item is T,
    length: number,
    kind: string,
    fallback: readonly T[],
  ): readonly T[] {
    const value = this.get(name) ?? fallback;
    if (!Array.isArray(value)) throw this.error(name, `not a list of ${kind}.`);
    if (value.length > length) {
      throw this.error(name, `longer than the ${length} entries that are supported.`);
    }
    const wrong = value.findIndex((item) => !isItem(item));
    if (wrong < 0) return value as T[];
    const entry = describe((value as unknown[])[wrong]);
    throw this.error(name, `whose entry ${wrong} is ${entry}: all must be ${kind}.`);
  }
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isBoolean(value: unknown): value is boolean {
  return typeof value === 'boolean';
}

function isWithin(value: number, { least, most }: NumberRange): boolean {
  return value >= least && value <= most;
}

const LONGEST_TEXT = 60;

/** A value in a message: short, and without entering what may be nested without end. */
export function describe(value: unknown): string {
  if (value === undefined) return 'absent';
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === 'object' && value !== null) return 'an object';
  if (typeof value === 'number' && Number.isNaN(value)) return 'no number';
  if (value === Infinity || value === -Infinity) return 'beyond the largest number';
  if (typeof value !== 'string') return JSON.stringify(value) ?? 'of no kind that JSON has';
  const text = JSON.stringify(value.slice(0, LONGEST_TEXT));
  return value.length <= LONGEST_TEXT ? text : `${text.slice(0, -1)}…"`;
}
