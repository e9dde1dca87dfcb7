/** @file Rules for single options, and the check of a set of options by them. They need no model and fetch nothing. */
import type { NumberRange } from '../../config/fields.ts';
import { invalidArgument } from '../../errors.ts';
import { shownText } from '../../weights/shown-address.mjs';
import { nearestName } from './nearest-name.ts';

/** Throws a ZoetropeError `invalid-argument` that begins with `name` if the value is wrong. */
export type Rule = (value: unknown, name: string) => void;

/** One for every option that there is: the compiler finds those that are forgotten. */
export type Rules<T> = Readonly<Record<keyof T, Rule>>;

/**
 * Checks every option that is given; an option that is undefined is absent.
 * @param prefix Before the options' names in messages: `memory.`.
 * @throws ZoetropeError `invalid-argument`, also for a name that there is no rule for.
 */
export function checkOptions<T>(options: T, rules: Rules<T>, prefix = ''): void {
  const owner = prefix === '' ? 'options' : prefix.slice(0, -1);
  for (const [name, value] of Object.entries(anObject(options, owner))) {
    if (value === undefined) continue;
    if (!Object.hasOwn(rules, name)) throw unknownOption(name, Object.keys(rules), prefix);
    rules[name as keyof T](value, prefix + name);
  }
}

export function anObject(value: unknown, name: string): object {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  throw wrongType(name, value, 'an object with options');
}

function unknownOption(name: string, names: readonly string[], prefix: string): Error {
  const nearest = nearestName(name, names);
  return invalidArgument(
    prefix + name,
    'there is no such option.',
    nearest === undefined ? `There are ${names.join(', ')}.` : `Did you mean ${prefix}${nearest}?`,
  );
}

/** A value of another type than the one that is wanted. */
export function wrongType(name: string, value: unknown, wanted: string): Error {
  return invalidArgument(name, `${describeType(value)} is not ${wanted}.`, `Give ${wanted}.`);
}

function describeType(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return `the text “${shortened(shownText(value))}”`;
    case 'object':
      if (value === null) return 'null';
      return Array.isArray(value) ? 'a list' : 'an object';
    case 'function':
    case 'symbol':
      return `a ${typeof value}`;
    default:
      return String(value);
  }
}

function shortened(text: string): string {
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

export const anything: Rule = () => undefined;

/** @param wanted What to say of a value that is none. */
function typed<T>(is: (value: unknown) => value is T, wanted: string) {
  return (value: unknown, name: string): T => {
    if (is(value)) return value;
    throw wrongType(name, value, wanted);
  };
}

/** Any, also NaN: what it may be is said by the rule that asks. */
export const aNumber = typed((value): value is number => typeof value === 'number', 'a number');
export const aText = typed((value): value is string => typeof value === 'string', 'a text');
export const aFlag = typed(
  (value): value is boolean => typeof value === 'boolean',
  'true or false',
);
export const someFloats = typed(
  (value): value is Float32Array => value instanceof Float32Array,
  'a Float32Array',
);
export const aCallback = typed(
  (value): value is () => unknown => typeof value === 'function',
  'a function',
);
export const aSignal = typed(
  (value): value is AbortSignal => value instanceof AbortSignal,
  'an AbortSignal',
);
const aList = typed((value): value is unknown[] => Array.isArray(value), 'a list');

/** A whole number from 1 to `most`. */
export function whole(most: number): Rule {
  return (value, name) => {
    const number = aNumber(value, name);
    if (Number.isInteger(number) && number >= 1 && number <= most) return;
    const rounded = Number.isNaN(number) ? 1 : Math.round(number);
    throw invalidArgument(
      name,
      `${number} is not a whole number from 1 to ${most}.`,
      `Use a whole number; nearest valid: ${Math.min(most, Math.max(1, rounded))}.`,
    );
  };
}

/** A whole number above zero, where nothing says what is too much. */
export function count(unit: string): Rule {
  return (value, name) => {
    const number = aNumber(value, name);
    if (Number.isSafeInteger(number) && number >= 1) return;
    throw invalidArgument(
      name,
      `${number} is not a whole number of ${unit} above zero.`,
      `Give a whole number of ${unit}, or leave it out for the model's own.`,
    );
  };
}

export function within({ least, most }: NumberRange): Rule {
  return (value, name) => {
    const number = aNumber(value, name);
    if (number >= least && number <= most) return;
    throw invalidArgument(
      name,
      `${number} is not a number from ${least} to ${most}.`,
      Number.isNaN(number)
        ? `Use a number from ${least} to ${most}.`
        : `nearest valid: ${Math.min(most, Math.max(least, number))}.`,
    );
  };
}

export function oneOf(choices: readonly string[]): Rule {
  return (value, name) => {
    if (typeof value === 'string' && choices.includes(value)) return;
    throw invalidArgument(
      name,
      `${describeType(value)} is not known.`,
      `Choose one of ${choices.join(', ')}.`,
    );
  };
}

/** @param each Of the list's values; its name has their index. */
export function listOf(each: Rule): Rule {
  return (value, name) => {
    for (const [i, item] of aList(value, name).entries()) each(item, `${name}[${i}]`);
  };
}

/** Options in an option. */
export function nested<T>(rules: Rules<T>): Rule {
  return (value, name) => checkOptions(value as T, rules, `${name}.`);
}
