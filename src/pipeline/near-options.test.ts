import { expect, test } from 'vitest';
import { checkNearOptions } from './near-options.ts';

const CALLBACKS = ['onProgress', 'onFrames'];

test.each([
  ['onProgress', { onProgress: 'log' }],
  ['onFrames', { onFrames: null }],
  ['onprogress', { onprogress: () => undefined }],
  ['onStep', { onStep: () => undefined }],
  ['signal', { signal: new AbortController() }],
  ['signal', { signal: true }],
  ['pause', { pause: {} }],
  ['options', null],
  ['options', 'a red ball'],
])('%s is refused: %o', (name, options) => {
  const check = (): void => checkNearOptions(options as object, CALLBACKS);
  expect(check).toThrow(
    expect.objectContaining({
      code: 'invalid-argument',
      message: expect.stringMatching(new RegExp(`^${name}: `)),
    }),
  );
});

test('callbacks, signals and what the worker checks are let through', () => {
  const { signal } = new AbortController();
  const options = { onProgress: () => undefined, onFrames: undefined, signal, width: 'wide' };
  expect(() => checkNearOptions(options, CALLBACKS)).not.toThrow();
});
