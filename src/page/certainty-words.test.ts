import { expect, test } from 'vitest';
import type { FileState, StoredFile, StoredModel } from '../index.ts';
import { certaintyText, certaintyWord } from './certainty-words.ts';

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
