import { expect, test } from 'vitest';
import { MemorySource } from '../testing/memory-source.ts';
import { ComponentFiles } from './component.ts';
import { readJson } from './source.ts';

const source = (text: string, path = 'a.json'): MemorySource =>
  new MemorySource(new Map([[path, text]]));

test('a byte-order mark before JSON is left out', async () => {
  expect(await readJson(source('\uFEFF{"a": 1}'), 'a.json')).toEqual({ a: 1 });
});

test.each([
  ['', ': it is empty (0 bytes)'],
  ['{"a": NaN}', ''],
  ['{"a": 1', ''],
  [
    'version https://git-lfs.github.com/spec/v1',
    ': it is a Git LFS pointer, which only stands for the file',
  ],
  ['<!DOCTYPE html><title>Sign in</title>', ': it is a web page (“Sign in”)'],
])('text that is not JSON is refused: %s', async (text, cause) => {
  await expect(readJson(source(text), 'a.json')).rejects.toMatchObject({
    code: 'model-format',
    message: `a.json of memory is not JSON${cause}.`,
  });
});

test('JSON longer than any configuration is refused', async () => {
  const text = `"${'a'.repeat(100_000_001)}"`;
  await expect(readJson(source(text), 'a.json')).rejects.toThrow('100000003 characters');
});

test.each([
  [
    { weight_map: Object.fromEntries(Array.from({ length: 1001 }, (_, i) => [`t${i}`, `f${i}`])) },
    'names 1001 files',
  ],
  [{ weight_map: { t: '..' } }, 'no weight_map'],
  [{ weight_map: { t: '../x.safetensors' } }, 'no weight_map'],
  [{ weight_map: ['x.safetensors', 7] }, 'no weight_map'],
  [[], 'no weight_map'],
  [null, 'no weight_map'],
])('an index of shards that makes no sense is refused, case %#', async (index, message) => {
  const path = 'model.safetensors.index.json';
  await expect(ComponentFiles.open(source(JSON.stringify(index), path), '')).rejects.toMatchObject({
    code: 'model-format',
    message: expect.stringContaining(message),
  });
});
