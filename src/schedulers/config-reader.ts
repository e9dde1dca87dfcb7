/** @file Reads typed options out of a parsed `scheduler_config.json`, with diffusers' defaults for absent ones. */
import { modelFormat, type ZoetropeError } from '../errors.ts';

/** Each method throws `model-format`, naming the option, when the value is not of the kind it should be. */
export interface ConfigReader {
  boolean(option: string, absent: boolean): boolean;
  /** A finite number above zero. */
  positive(option: string, absent: number): number;
  /** A whole number above zero. */
  count(option: string, absent: number): number;
  /** One of `choices`; an `absent` value beyond them makes the option one that has to be there. */
  choice<T extends string>(option: string, choices: readonly T[], absent: string): T;
  integers(option: string): readonly number[];
  /** Refuses options that change the result and are not implemented: anything but absent, null, false and 0. */
  refuse(...options: readonly string[]): void;
  error(option: string, problem: string): ZoetropeError;
}

/** @throws ZoetropeError `model-format` when the config is not an object. */
export function configReader(config: unknown): ConfigReader {
  if (typeof config !== 'object' || config === null || Array.isArray(config)) {
    throw modelFormat(
      'scheduler_config.json is not an object.',
      'The file is damaged: copy or download it again.',
    );
  }
  const values = config as Readonly<Record<string, unknown>>;
  const error = (option: string, problem: string): ZoetropeError =>
    modelFormat(
      `scheduler_config.json: ${option} is ${show(values[option])}, ${problem}`,
      'Choose a checkpoint whose sampler is flow-matching UniPC, Euler or LCM.',
    );
  const number = (
    option: string,
    absent: number,
    accepts: (value: number) => boolean,
    kind: string,
  ): number => {
    const value = values[option] ?? absent;
    if (typeof value !== 'number' || !accepts(value)) throw error(option, `not ${kind}.`);
    return value;
  };
  return {
    boolean(option, absent) {
      const value = values[option] ?? absent;
      if (typeof value !== 'boolean') throw error(option, 'neither true nor false.');
      return value;
    },
    positive: (option, absent) =>
      number(option, absent, (v) => Number.isFinite(v) && v > 0, 'a number above 0'),
    count: (option, absent) =>
      number(option, absent, (v) => Number.isSafeInteger(v) && v > 0, 'a whole number above 0'),
    choice(option, choices, absent) {
      const value = values[option] ?? absent;
      const found = choices.find((choice) => choice === value);
      if (found === undefined) {
        throw error(option, `which is not supported (it can be ${choices.join(' or ')}).`);
      }
      return found;
    },
    integers(option) {
      const value = values[option] ?? [];
      if (!Array.isArray(value) || !value.every((item) => Number.isSafeInteger(item))) {
        throw error(option, 'not a list of whole numbers.');
      }
      return value as number[];
    },
    refuse(...options) {
      for (const option of options) {
        const value = values[option];
        if (value === undefined || value === null || value === false || value === 0) continue;
        throw error(option, 'which is not supported.');
      }
    },
    error,
  };
}

function show(value: unknown): string {
  return value === undefined ? 'absent' : JSON.stringify(value).slice(0, 80);
}
