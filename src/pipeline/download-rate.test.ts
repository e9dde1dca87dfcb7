import { expect, test } from 'vitest';
import { DownloadRate } from './download-rate.ts';

test('a rate is that of the last ten seconds, once there is one to tell', () => {
  let now = 100;
  const rate = new DownloadRate(() => now);
  expect(rate.bytesPerSecond).toBeUndefined();
  rate.add(50);
  expect(rate.bytesPerSecond).toBeUndefined();
  now = 101;
  rate.add(950);
  expect(rate.bytesPerSecond).toBe(1000);
  for (let i = 0; i < 200; i++) {
    now += 0.1;
    rate.add(500);
  }
  expect(rate.bytesPerSecond).toBeCloseTo(5000, -2);
});

test('a standstill lowers it', () => {
  let now = 0;
  const rate = new DownloadRate(() => now);
  now = 1;
  rate.add(1000);
  now = 4;
  expect(rate.bytesPerSecond).toBe(250);
});
