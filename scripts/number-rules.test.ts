import { expect, it } from 'vitest';
import { FRAME_RATE, GUIDANCE_SCALE, INFERENCE_STEPS } from '../src/families/request-ranges.ts';
import { FLOW_SHIFT } from '../src/schedulers/config-ranges.ts';
import { MAX_LORA_SCALE } from '../src/weights/lora-file.ts';
import { descendingNumbers, LORA_SCALE, NUMBER_RULES, numberProblem } from './number-rules.mjs';

it('the commands refuse what the engine refuses, and nothing more', () => {
  expect(NUMBER_RULES).toMatchObject({
    numInferenceSteps: INFERENCE_STEPS,
    guidanceScale: GUIDANCE_SCALE,
    frameRate: FRAME_RATE,
    flowShift: FLOW_SHIFT,
  });
  expect(LORA_SCALE).toEqual({ least: -MAX_LORA_SCALE, most: MAX_LORA_SCALE });
});

it.each([
  [0, { least: 1, isWhole: true }, 'a whole number of 1 or more'],
  [1.5, { least: 1, most: 9, isWhole: true }, 'a whole number from 1 to 9'],
  [10, { least: 0, most: 9 }, 'a number from 0 to 9'],
  [Number.NaN, { least: 0 }, 'a number of 0 or more'],
  [Number.POSITIVE_INFINITY, { least: 0 }, 'a number of 0 or more'],
  ['1', { least: 0 }, 'a number of 0 or more'],
  [9, { least: 0, most: 9 }, undefined],
] as const)('%s against %j', (value, rule, problem) => {
  expect(numberProblem(value, rule)).toBe(problem);
});

it.each(['1000,1000', '500,757', '0', '1001', '5,', '1000,999.99999999'])(
  'the times %s are refused',
  (text) => {
    expect(() => descendingNumbers('timesteps', text, 1000)).toThrow('--timesteps');
  },
);
