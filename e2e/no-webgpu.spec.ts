/** @file A browser without WebGPU. */
import { launchOptions } from '../scripts/browser.mjs';
import { expect, generate, open, SMALL, test } from './app.ts';

test.use({ launchOptions: launchOptions('none') });

test('falls back to the CPU with a notice', async ({ sharedPage, site }) => {
  await open(sharedPage, site, { ...SMALL, 'num-frames': '1', prompt: 'a red ball' });
  await expect(sharedPage.locator('#device-report')).toContainText('No WebGPU adapter');
  await generate(sharedPage);
  await expect(sharedPage.locator('#summary')).toContainText('on wasm');
  await expect(sharedPage.locator('#notices')).toContainText('WebGPU');
});

test('says so when WebGPU is asked for', async ({ sharedPage, site }) => {
  await open(sharedPage, site, { ...SMALL, prompt: 'a red ball', device: 'webgpu' });
  await sharedPage.getByRole('button', { name: 'Generate' }).click();
  await expect(sharedPage.getByRole('alert')).toContainText('webgpu-unavailable');
});
