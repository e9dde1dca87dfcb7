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
])('%s is refused: %o', async (name, options) => {
  await expect(checkNearOptions(options as object, ...CALLBACKS)).rejects.toMatchObject({
    code: 'invalid-argument',
    message: expect.stringMatching(new RegExp(`^${name}: `)),
    hint: expect.stringMatching(/\w/),
  });
});

test('callbacks, signals and what the worker checks are let through', async () => {
  const { signal } = new AbortController();
  const options = { onProgress: () => undefined, onFrames: undefined, signal, width: 'wide' };
  await expect(checkNearOptions(options, ...CALLBACKS)).resolves.toBeUndefined();
});
