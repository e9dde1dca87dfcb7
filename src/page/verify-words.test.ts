import { describe, expect, test } from 'vitest';
import type { FileState, StoredFile, StoredModel, VerifiedFile, VerifyReport } from '../index.ts';
import { certaintyText, certaintyWord, verdictText } from './verify-words.ts';

const NOW = Date.UTC(2026, 10, 28, 12);

function stored(verified: FileState, ...files: readonly Partial<StoredFile>[]): StoredModel {
  return {
    source: 'a/b',
    name: 'b',
    format: 'source',
    state: 'complete',
    bytes: 1,
    lastUsedAt: NOW,
    files: files.map((file) => ({ source: 'a/b', path: 'x', size: 1, state: verified, ...file })),
    verified,
    checkpointIds: [],
  };
}

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

test.each([
  ['whole', 'verified', /has the SHA-256 that the hub lists, last today/],
  ['compared', 'compared', /Compared with the whole files/],
  ['ranges', 'read in part', /Of 1 of its 2 files only ranges were read.*Verify reads the rest/],
  ['unknown', 'not verified', /lists no SHA-256/],
] as const)('a model whose files are %s says so', (state, word, text) => {
  const checkedAt = NOW;
  const model = stored(state, { checkedAt }, { state: 'whole', checkedAt });
  expect(certaintyWord(model)).toBe(word);
  expect(certaintyText(model, NOW)).toMatch(text);
});

test('a model that was kept before files were noted says so', () => {
  expect(certaintyText(stored('unknown'), NOW)).toMatch(/did not note its files/);
});

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
