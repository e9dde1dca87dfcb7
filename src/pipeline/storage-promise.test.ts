import { expect, test } from 'vitest';
import { storageRemark } from './storage-promise.ts';

test.each([
  [7e9, undefined],
  [7e9, 7e9],
  [0, 0],
])('%d bytes are no matter with %s promised', (needed, promised) => {
  expect(storageRemark(needed, promised)).toBeUndefined();
});

test('what is beyond the promise is a remark that promises nothing and refuses nothing', () => {
  expect(storageRemark(22e9, 10 * 2 ** 30)).toBe(
    'The browser promises at least 10.7 GB of storage, and this model needs 22.0 GB: the download may have to stop. What is stored by then is kept.',
  );
  expect(storageRemark(22e9, 10 * 2 ** 30, 5e9)).toContain('needs 22.0 GB more:');
  expect(storageRemark(1e6, 0)).toContain('promises no particular amount of storage');
});
