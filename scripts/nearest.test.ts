import { expect, it } from 'vitest';
import { nearest } from './nearest.mjs';

const NAMES = [
  'prompt',
  'negativePrompt',
  'seed',
  'width',
  'height',
  'numFrames',
  'numInferenceSteps',
];

it.each([
  ['sed', 'seed'],
  ['Seed', 'seed'],
  ['num_frames', 'numFrames'],
  ['num-frames', 'numFrames'],
  ['steps', 'numInferenceSteps'],
  ['negative', 'negativePrompt'],
  ['frames', 'numFrames'],
  ['widht', 'width'],
  ['colour', undefined],
  ['x', undefined],
  ['', undefined],
])('%s is meant to be %s', (name, meant) => {
  expect(nearest(name, NAMES)).toBe(meant);
});
