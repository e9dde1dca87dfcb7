/** @file A model that was kept wrong is found by Verify. */
import type { Request } from '@playwright/test';
import { expect, generate, open, SMALL, test } from '../app.ts';

const KEPT = {
  ...SMALL,
  'num-frames': '1',
  prompt: 'a red ball',
  device: 'wasm',
  dtype: 'float32',
  storage: '',
};

/** More bytes than the header of the safetensors file has. */
const HEADER_BYTES = 100_000;

/** How much of a file is asked for. */
function rangeLength(request: Request): number {
  const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(request.headers()['range'] ?? '') ?? [];
  return first === undefined ? 0 : Number(last) - Number(first) + 1;
}

test('a model that was kept wrong is found by Verify, and fetched again by the next run', async ({
  browser,
  site,
}) => {
  const page = await browser.newPage();
  await open(page, site, KEPT);
  let isDamaging = true;
  await page.route(/transformer\/.*safetensors$/, async (route) => {
    const response = await route.fetch();
    const body = await response.body();
    if (isDamaging && rangeLength(route.request()) >= HEADER_BYTES) body[5000] = 0x3d;
    await route.fulfill({ response, body });
  });
  await generate(page);
  isDamaging = false;
  await page.getByRole('button', { name: 'Verify pocket' }).click();
  await expect(page.locator('#stored-status')).toContainText(/damaged: .*transformer\//);
  const model = page.locator('#stored-models > li');
  await expect(model).toContainText('incomplete');
  await generate(page);
  await expect(model).not.toContainText('incomplete');
  await page.getByRole('button', { name: 'Verify pocket' }).click();
  await expect(page.locator('#stored-status')).toContainText('compared. What is kept');
  await page.close();
});
