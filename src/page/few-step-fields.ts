/** @file The form's fields for distilled models: times of one's own, and the size of the initial noise. */
import type { GenerateOptions } from '../pipeline/api.ts';
import { input, readNumber } from './elements.ts';

type Times = Pick<GenerateOptions, 'timesteps' | 'sigmas' | 'initNoiseSigma'>;

/** Ids of the fields, by option. */
const FIELDS = {
  timesteps: 'timesteps',
  sigmas: 'sigmas',
  initNoiseSigma: 'init-noise-sigma',
} as const satisfies Record<keyof Times, string>;

/** Numbers between commas or spaces; undefined if there are none. What is no number is NaN, for the engine to refuse. */
export function parseTimes(text: string): number[] | undefined {
  const parts = text.split(/[\s,]+/).filter((part) => part !== '');
  return parts.length === 0 ? undefined : parts.map(Number);
}

export function readTimes(): Times {
  const timesteps = parseTimes(input(FIELDS.timesteps).value);
  const sigmas = parseTimes(input(FIELDS.sigmas).value);
  const initNoiseSigma = readNumber(FIELDS.initNoiseSigma);
  return {
    ...(timesteps ? { timesteps } : {}),
    ...(sigmas ? { sigmas } : {}),
    ...(initNoiseSigma === undefined ? {} : { initNoiseSigma }),
  };
}

/** The fields' names and contents for the page's address. */
export function timesParameters(times: Times): [string, string][] {
  return (Object.keys(FIELDS) as (keyof Times)[]).flatMap((option): [string, string][] => {
    const value = times[option];
    return value === undefined ? [] : [[FIELDS[option], String(value)]];
  });
}

/** The field of an option, as errors name it. */
export function timesField(option: string): HTMLInputElement | undefined {
  return option in FIELDS ? input(FIELDS[option as keyof Times]) : undefined;
}
