import { expect, test } from 'vitest';
import { refuseNear } from './near-options.ts';

const CALLBACKS = ['onProgress', 'onFrames'];

test.each([
  ['onProgress', { onProgress: 'log' }],
  ['onFrames', { onFrames: null }],
  ['onprogress', { onprogress: () => undefined }],
  ['onStep', { onStep: () => undefined }],
  ['signal', { signal: new AbortController() }],
  ['signal', { signal: true }],
  ['pause', { pause: {} }],
  ['abortSignal', { abortSignal: new AbortController().signal }],
  ['clip.onFrames', { clip: { prompt: 'a red ball', onFrames: () => undefined } }],
  ['clip.signal', { clip: { signal: new AbortController().signal } }],
  ['encode.onProgress', { encode: { container: 'gif', onProgress: () => undefined } }],
  ['options', null],
  ['options', 'a red ball'],
])('%s is refused: %o', async (name, options) => {
  await expect(refuseNear(options as object, ...CALLBACKS)).rejects.toMatchObject({
    code: 'invalid-argument',
    message: expect.stringMatching(new RegExp(`^${name}: `)),
    hint: expect.stringMatching(/\w/),
  });
});

test('callbacks, signals and what the worker checks are let through, at once', () => {
  const { signal } = new AbortController();
  const options = { onProgress: () => undefined, onFrames: undefined, signal, width: 'wide' };
  expect(refuseNear(options, ...CALLBACKS)).toBeUndefined();
  const clip = { prompt: 7, onFrames: undefined, encode: null };
  expect(refuseNear({ clip, encode: 'mp4' }, ...CALLBACKS)).toBeUndefined();
});
