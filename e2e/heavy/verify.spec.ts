/** @file A model that was kept wrong is found by Verify. */
import { expect, generate, open, test } from '../app.ts';
import { HEADER_BYTES, KEPT, rangeLength } from '../kept-model.ts';

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
