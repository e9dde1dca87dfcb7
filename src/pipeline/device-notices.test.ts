import { expect, test } from 'vitest';
import { probeDevice } from '../runtime/device.ts';
import { deviceNotices } from './device-notices.ts';

test('one thread where there could be more is explained, with the headers that give them', async () => {
  const report = await probeDevice('wasm');
  expect(deviceNotices(report, { crossOriginIsolated: false, cores: 8 })).toEqual([
    {
      code: 'single-thread',
      message: expect.stringMatching(
        /one of 8 CPU cores.*Cross-Origin-Opener-Policy: same-origin.*Cross-Origin-Embedder-Policy: require-corp/,
      ),
    },
  ]);
});

test('nothing is said of threads where there are as many as can be', async () => {
  const report = await probeDevice('wasm');
  expect(deviceNotices(report, { crossOriginIsolated: true, cores: 8 })).toEqual([]);
  expect(deviceNotices(report, { crossOriginIsolated: false, cores: 1 })).toEqual([]);
  // In Node.
  expect(deviceNotices(report)).toEqual([]);
});
