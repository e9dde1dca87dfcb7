/** @file The models in the browser's storage: listed, and deleted for good. */
import { expect, generate, open, test } from './app.ts';
import { HEADER_BYTES, KEPT, rangeLength } from './kept-model.ts';

test('a kept model is listed, deleted, and fetched again', async ({ browser, site }) => {
  const page = await browser.newPage();
  let fetched = 0;
  page.on('request', (request) => {
    fetched += rangeLength(request);
  });
  const used = (): Promise<number> =>
    page.evaluate(async () => (await navigator.storage.estimate()).usage ?? 0);

  await open(page, site, KEPT);
  await expect(page.locator('#stored-empty')).toBeVisible();
  await generate(page);
  const models = page.locator('#stored-models > li');
  await expect(models).toHaveCount(1);
  await expect(models).toContainText('pocket');
  await expect(models).toContainText(/10\.\d MB · last used today/);
  await expect(models).not.toContainText('incomplete');
  await expect(page.locator('#plan-facts')).toContainText('Nothing to fetch');
  await expect(page.locator('#stored-room')).toContainText(
    /holds [\d.]+ MB, with at least [\d.]+ GB free/,
  );
  await expect.poll(used).toBeGreaterThan(5e6);

  // By keyboard alone; the first press only asks.
  await page.getByRole('button', { name: 'Delete pocket' }).press('Enter');
  await expect(page.getByRole('button', { name: 'Keep', exact: true })).toBeFocused();
  await page.keyboard.press('Escape');
  await expect(page.getByRole('button', { name: 'Delete pocket' })).toBeFocused();
  await page.keyboard.press('Enter');
  await page.getByRole('button', { name: 'Delete', exact: true }).press('Enter');
  await expect(page.locator('#stored-status')).toContainText('deleted');
  await expect(models).toHaveCount(0);
  await expect(page.locator('#stored-title')).toBeFocused();
  await expect.poll(used).toBeLessThan(1e6);
  await expect(page.locator('#plan-facts')).toContainText(/Fetches 10\.\d MB/);

  fetched = 0;
  await generate(page);
  expect(fetched).toBeGreaterThan(1e6);
  await expect(models).toHaveCount(1);
  await page.close();
});

test('no model can be deleted while a clip is made', async ({ browser, site }) => {
  const page = await browser.newPage();
  await open(page, site, KEPT);
  await generate(page);
  const remove = page.getByRole('button', { name: 'Delete pocket' });
  await expect(remove).toBeEnabled();
  await page.getByRole('button', { name: 'Generate' }).click();
  await expect(remove).toBeDisabled();
  await expect(page.locator('#player')).toBeVisible({ timeout: 200_000 });
  await expect(remove).toBeEnabled();
  await page.close();
});

test('an import that was cut short is listed as incomplete', async ({ browser, site }) => {
  const page = await browser.newPage();
  // The transformer's weights never arrive.
  await page.route(/transformer\/.*safetensors$/, async (route) => {
    if (rangeLength(route.request()) < HEADER_BYTES) await route.continue();
  });
  await open(page, site, KEPT);
  const asked = page.waitForRequest(
    (request) => request.url().includes('/transformer/') && rangeLength(request) >= HEADER_BYTES,
  );
  await page.getByRole('button', { name: 'Generate' }).click();
  await asked;
  await page.keyboard.press('Escape');
  await expect(page.locator('#status')).toHaveText('Cancelled.');
  await expect(page.locator('#stored-models > li')).toContainText('incomplete');
  await page.close();
});

test(
  'a damaged model is listed as damaged, and the next run mends it with a notice',
  { tag: '@heavy' },
  async ({ browser, site }) => {
    const page = await browser.newPage();
    await page.goto(site.url);
    await page.evaluate(async () => {
      const source = new URL('models/pocket', document.baseURI).href;
      const options = { device: 'wasm', dtype: 'float32', storage: true } as const;
      await (await window.zoetrope?.VideoPipeline.fromPretrained(source, options))?.dispose();
      const database = await new Promise<IDBDatabase>((resolve, reject) => {
        const opening = indexedDB.open('zoetrope');
        opening.onsuccess = () => resolve(opening.result);
        opening.onerror = () => reject(opening.error ?? new Error('it does not open'));
      });
      const transaction = database.transaction('checkpoints', 'readwrite');
      const store = transaction.objectStore('checkpoints');
      const cursor = store.openCursor();
      cursor.onsuccess = () => {
        const found = cursor.result;
        if (!found) return;
        const record = found.value as { id: string };
        if (record.id.includes('/transformer@')) found.update({ ...record, chunks: 'none' });
        found.continue();
      };
      await new Promise((resolve) => {
        transaction.oncomplete = resolve;
      });
      database.close();
    });
    await open(page, site, KEPT);
    const models = page.locator('#stored-models > li');
    await expect(models).toHaveCount(1);
    await expect(models).toContainText('damaged');
    await expect(page.getByRole('button', { name: 'Delete pocket' })).toBeEnabled();
    await expect(page.locator('#plan-facts')).toContainText(/Fetches \d\.\d MB/);
    await generate(page);
    await expect(page.locator('#notices')).toContainText('damaged');
    await expect(page.locator('#notices')).toContainText('fetched again');
    await expect(models).not.toContainText('damaged');
    await page.close();
  },
);

test('a database of a newer version is reported as such', async ({ browser, site }) => {
  const page = await browser.newPage();
  await page.goto(site.url);
  await page.evaluate(async () => {
    await new Promise((resolve) => {
      const opening = indexedDB.open('zoetrope', 99);
      opening.onsuccess = () => {
        opening.result.close();
        resolve(undefined);
      };
    });
  });
  await open(page, site, KEPT);
  await expect(page.locator('#stored-status')).toContainText('newer version of this page');
  await page.getByRole('button', { name: 'Generate' }).click();
  await expect(page.locator('#error')).toContainText('storage-unavailable');
  await expect(page.locator('#error')).not.toContainText('private window');
  await page.close();
});

test('settings that hold something else are as if nothing was remembered', async ({
  browser,
  site,
}) => {
  const page = await browser.newPage();
  await page.goto(site.url);
  await page.evaluate(() => {
    localStorage.setItem('theme', '{"a":[');
    localStorage.setItem('hub-token', 'not a token \u{1F600}');
  });
  await open(page, site, KEPT);
  await expect(page.locator('#token')).toHaveValue('');
  await expect(page.locator('#remember-token')).not.toBeChecked();
  await expect(page.locator('#theme')).toHaveAttribute('aria-label', /^Switch to (dark|light)/);
  await expect(page.locator('#stored-empty')).toBeVisible();
  await page.close();
});

test('embedders list and delete models by the library', async ({ browser, site }) => {
  const page = await browser.newPage();
  await open(page, site);
  const answer = await page.evaluate(async () => {
    const { zoetrope } = window;
    if (!zoetrope) throw new Error('The page exposes no engine.');
    const source = new URL('models/pocket', document.baseURI).href;
    const options = { device: 'wasm', dtype: 'float32', storage: true } as const;
    const pipeline = await zoetrope.VideoPipeline.fromPretrained(source, options);
    await pipeline.dispose();
    const [model] = await zoetrope.listStoredModels();
    if (!model) throw new Error('Nothing is stored.');
    await zoetrope.deleteStoredModel(model);
    return { source, model, left: (await zoetrope.listStoredModels()).length };
  });
  expect(answer.model).toMatchObject({
    source: answer.source,
    name: 'pocket',
    format: 'source',
    state: 'complete',
  });
  expect(answer.model.checkpointIds).toHaveLength(3);
  expect(answer.left).toBe(0);
  await page.close();
});
