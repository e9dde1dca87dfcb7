/** @file Without a real GPU the automatic choice is the CPU, and says so. */
import { coloursOnCanvas, expect, generate, open, SMALL, test } from './app.ts';

test('makes a clip in float32 on the CPU', async ({ sharedPage, site }) => {
  await open(sharedPage, site, { ...SMALL, prompt: 'a blue heart', seed: '3', dtype: 'float32' });
  await expect(sharedPage.locator('#device-report')).toContainText('software');
  await generate(sharedPage);
  await expect(sharedPage.locator('#summary')).toContainText('on wasm in float32');
  await expect(sharedPage.locator('#notices')).toContainText('software');
  expect(await coloursOnCanvas(sharedPage)).toBeGreaterThan(1);
});

test('draws a new seed unless it is kept', async ({ sharedPage, site }) => {
  await open(sharedPage, site, { ...SMALL, 'num-frames': '1', prompt: 'a blue heart' });
  const seed = sharedPage.locator('#seed');
  await generate(sharedPage);
  const first = await seed.inputValue();
  await generate(sharedPage);
  const second = await seed.inputValue();
  expect(second).not.toBe(first);
  await sharedPage.getByRole('checkbox', { name: 'Keep this seed' }).press('Space');
  await generate(sharedPage);
  expect(await seed.inputValue()).toBe(second);
});

test('keeps older clips when another pipeline is loaded', async ({ sharedPage, site }) => {
  await open(sharedPage, site, { ...SMALL, prompt: 'a blue heart', seed: '3' });
  await generate(sharedPage);
  await sharedPage.locator('#advanced > summary').click();
  await sharedPage.locator('#dtype').selectOption('float32');
  await sharedPage.locator('#prompt').fill('a green heart');
  await generate(sharedPage);
  await sharedPage.getByRole('button', { name: 'a blue heart, seed 3' }).click();
  await expect(sharedPage.locator('#canvas')).toHaveAttribute('aria-label', 'Clip: a blue heart');
  const download = sharedPage.waitForEvent('download');
  await sharedPage.getByRole('button', { name: 'GIF', exact: true }).click();
  expect((await download).suggestedFilename()).toBe('a-blue-heart-3.gif');
});

test('fetches a model once if it is kept on this machine', async ({ sharedPage, site }) => {
  let fetched = 0;
  sharedPage.on('request', (request) => {
    const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(request.headers()['range'] ?? '') ?? [];
    fetched += first === undefined ? 0 : Number(last) - Number(first) + 1;
  });
  const fields = { ...SMALL, 'num-frames': '1', prompt: 'a blue heart', storage: '' };
  await open(sharedPage, site, fields);
  await generate(sharedPage);
  expect(fetched).toBeGreaterThan(1e6);
  fetched = 0;
  await open(sharedPage, site, fields);
  await generate(sharedPage);
  // Headers are read again, to see that the checkpoint is the one that is kept.
  expect(fetched).toBeLessThan(2e5);
});
