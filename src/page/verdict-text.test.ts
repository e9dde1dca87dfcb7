import { describe, expect, test } from 'vitest';
import type { VerifiedFile, VerifyReport } from '../index.ts';
import { verdictText } from './verdict-text.ts';

function report(
  outcome: VerifyReport['outcome'],
  ...outcomes: readonly VerifiedFile['outcome'][]
): VerifyReport {
  const file = { source: 'a/b', size: 1, tensors: [] };
  return {
    outcome,
    files: outcomes.map((each, i) => ({ ...file, path: `${i}.safetensors`, outcome: each })),
  };
}

describe('the outcome of a verification names', () => {
  test('what was compared', () => {
    expect(verdictText(report('intact', 'whole', 'whole'))).toMatch(/^verified.*SHA-256/);
    expect(verdictText(report('intact', 'compared', 'whole'))).toMatch(/^compared/);
  });

  test('the file that is damaged, and what happens next', () => {
    const text = verdictText(report('damaged', 'whole', 'damaged'));
    expect(text).toMatch(/not what 1\.safetensors holds. The next run fetches it again/);
  });

  test('each file that could not be compared, and why', () => {
    const text = verdictText(report('unverified', 'mismatch', 'changed', 'merged'));
    expect(text).toMatch(/0\.safetensors arrived twice/);
    expect(text).toMatch(/1\.safetensors has changed/);
    expect(text).toMatch(/2\.safetensors: the file is right/);
  });
});
