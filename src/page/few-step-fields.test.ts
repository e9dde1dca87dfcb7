import { expect, it } from 'vitest';
import { parseTimes, timesParameters } from './few-step-fields.ts';

it('reads numbers between commas and spaces, and leaves what is none to the engine', () => {
  expect(parseTimes('1000,757, 522')).toEqual([1000, 757, 522]);
  expect(parseTimes(' 1 .5\t0.25 ')).toEqual([1, 0.5, 0.25]);
  expect(parseTimes('1000, half')).toEqual([1000, Number.NaN]);
  expect(parseTimes(' , ')).toBeUndefined();
});

it('writes into the address what it reads back', () => {
  const times = { timesteps: [1000, 757.5], initNoiseSigma: 0.98 };
  const parameters = timesParameters(times);
  expect(parameters).toEqual([
    ['timesteps', '1000,757.5'],
    ['init-noise-sigma', '0.98'],
  ]);
  expect(parseTimes(parameters[0]?.[1] ?? '')).toEqual(times.timesteps);
});
