import { describe, expect, it } from 'vitest';
import { invalidArgument, modelFormat } from '../errors.ts';
import { offendingOption, suggestedFix } from './fixes.ts';

describe('suggestedFix', () => {
  it('finds the value in the hint', () => {
    const error = invalidArgument('width', '60 is no multiple of 16', 'Nearest valid: 64.');
    expect(suggestedFix(error)).toEqual({ option: 'width', value: 64 });
  });

  it('finds the value in the message', () => {
    const error = invalidArgument('numFrames', '6 will not do (nearest valid value: 5)', 'Try 5.');
    expect(suggestedFix(error)).toEqual({ option: 'numFrames', value: 5 });
  });

  it('has nothing to offer without a value, or for another kind of error', () => {
    expect(suggestedFix(invalidArgument('prompt', 'is empty', 'Write one.'))).toBeUndefined();
    expect(suggestedFix(modelFormat('width: 3', 'nearest valid: 4'))).toBeUndefined();
    expect(suggestedFix(new Error('width: nearest valid: 4'))).toBeUndefined();
  });
});

describe('offendingOption', () => {
  it('is the word before the colon', () => {
    expect(offendingOption(invalidArgument('guidanceScale', 'is not a number', ''))).toBe(
      'guidanceScale',
    );
  });

  it('is the list, of an entry of one', () => {
    expect(offendingOption(invalidArgument('loras[1].source', 'is not a place', ''))).toBe('loras');
    expect(offendingOption(invalidArgument('timesteps[0]', 'is not a number', ''))).toBe(
      'timesteps',
    );
  });
});
