import { expect, it } from 'vitest';
import type { Progress } from '../pipeline/api.ts';
import { overallFraction, stageText } from './overall.ts';

const memory = { liveBytes: 0, peakBytes: 0, byKind: {}, ramBytes: 0, streamedBytes: 0 };

it('moves forward from stage to stage and ends at 1', () => {
  const run: Progress[] = [
    { type: 'download', fraction: 0, memory, file: 'a', loadedBytes: 0, totalBytes: 9 },
    { type: 'download', fraction: 1, memory, file: 'a', loadedBytes: 9, totalBytes: 9 },
    { type: 'encode-prompt', fraction: 1, memory },
    { type: 'denoise', fraction: 0.5, memory, step: 1, totalSteps: 2 },
    { type: 'denoise', fraction: 1, memory, step: 2, totalSteps: 2 },
    { type: 'decode', fraction: 1, memory, frame: 5, totalFrames: 5 },
  ];
  const fractions = run.map((progress) => overallFraction(progress) ?? Number.NaN);
  expect(fractions).toEqual(fractions.toSorted((a, b) => a - b));
  expect(fractions.at(-1)).toBe(1);
});

it('leaves the bar alone while compiling, and says what is compiled', () => {
  const progress: Progress = { type: 'compile', fraction: 0.3, memory, stage: 'the decoder' };
  expect(overallFraction(progress)).toBeUndefined();
  expect(stageText(progress)).toBe('Preparing the decoder');
});
