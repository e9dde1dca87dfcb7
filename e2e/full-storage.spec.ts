/** @file A browser whose storage is full although its estimate promises 10 GiB: by a real quota, and real errors. */
import type { Page } from '@playwright/test';
import { expect, expectClip, generate, open, test } from './app.ts';
import { HEADER_BYTES, KEPT, rangeLength } from './kept-model.ts';

/** Room for the text encoder of the bundled model, and not for its transformer. */
const QUOTA_BYTES = 6e6;

/** Sets the origin's quota; without a size, the browser's own holds again. It holds as long as the page is open. */
async function quotaOf(page: Page, url: string): Promise<(quotaSize?: number) => Promise<void>> {
  const session = await page.context().newCDPSession(page);
  const { origin } = new URL(url);
  return async (quotaSize) => {
    const size = quotaSize === undefined ? {} : { quotaSize };
    await session.send('Storage.overrideQuotaForOrigin', { origin, ...size });
  };
}

/** Chunks in the database that no record names. */
function orphans(page: Page): Promise<number> {
  return page.evaluate(async () => {
    const database = await new Promise<IDBDatabase>((resolve) => {
      const opening = indexedDB.open('zoetrope');
      opening.onsuccess = () => resolve(opening.result);
    });
    const transaction = database.transaction(['chunks', 'checkpoints']);
    const keys = transaction.objectStore('chunks').getAllKeys();
    const records = transaction.objectStore('checkpoints').getAll();
    await new Promise((resolve) => {
      transaction.oncomplete = resolve;
    });
    database.close();
    const used = new Set(
      (records.result as { chunks: { hash: string }[] }[]).flatMap(({ chunks }) =>
        chunks.map(({ hash }) => hash),
      ),
    );
    return keys.result.filter((key) => !(typeof key === 'string' && used.has(key))).length;
  });
}

test(
  'a quota that is met in an import is reported, keeps what was stored, and can be gone around',
  { tag: '@heavy' },
  async ({ browser, site }) => {
    const page = await browser.newPage();
    let fetched = 0;
    page.on('request', (request) => {
      fetched += rangeLength(request);
    });
    await open(page, site, KEPT);
    const setQuota = await quotaOf(page, site.url);
    await setQuota(QUOTA_BYTES);
    const error = page.locator('#error');
    await page.getByRole('button', { name: 'Generate' }).click();
    await expect(error).toContainText('storage-full');
    await expect(error).toContainText(
      /no room to store transformer\/\S+\.safetensors of \S+pocket: the storage is full after 0 bytes of this part’s [\d.]+ MB\. \d+ kB of the model’s 10\.\d MB are kept/,
    );
    await expect(error).toContainText('free disk space');
    const models = page.locator('#stored-models > li');
    await expect(models).toHaveCount(1);
    await expect(models).toContainText('incomplete');
    await expect(page.locator('#stored-room')).toContainText(/at least 10\.7 GB free/);
    expect(await orphans(page)).toBe(0);

    // The plan of a model that is loaded, and not kept, has nothing to fetch.
    await page.getByRole('button', { name: 'Load without keeping it' }).click();
    await expectClip(page);
    await expect(page.locator('#storage')).not.toBeChecked();
    const facts = page.locator('#plan-facts');
    await expect(facts).toContainText(/^Nothing to fetch · holds [\d.]+ MB of weights .* in RAM/);
    await page.locator('#weights').selectOption('q8');
    await expect(facts).toContainText(/^Fetches 10\.\d MB/);
    await page.locator('#weights').selectOption('');
    await expect(facts).toContainText(/^Nothing to fetch/);

    await setQuota();
    await page.locator('#storage').check();
    await expect(facts).toContainText(/^Fetches [\d.]+ MB .*and has the rest/);
    const left = Number(/Fetches ([\d.]+) MB/.exec((await facts.textContent()) ?? '')?.[1]) * 1e6;
    const before = fetched;
    await generate(page);
    await expect(models).not.toContainText('incomplete');
    // Each of the three files has a header besides.
    expect(fetched - before).toBeLessThan(left + 3 * HEADER_BYTES);
    expect(fetched - before).toBeGreaterThan(left * 0.9);
    await page.close();
  },
);

test('what a browser promises refuses no model: card and plan say the same', async ({
  sharedPage,
  site,
}) => {
  await open(sharedPage, site, { model: 'wan2.1-t2v-14b', device: 'wasm' });
  const promise =
    /The browser promises at least 10\.7 GB of storage, and this model needs 22\.\d GB/;
  await expect(sharedPage.locator('#plan-reason')).toContainText(promise, { timeout: 120_000 });
  await expect(sharedPage.locator('#plan-outcome')).toHaveText('Fits, streamed');
  const card = sharedPage.locator('.model-card:has([id="model-wan2.1-t2v-14b"])');
  await expect(card.locator('.verdict')).not.toContainText('Does not fit');
  await expect(card.locator('.model-reason')).toContainText(promise);
});
