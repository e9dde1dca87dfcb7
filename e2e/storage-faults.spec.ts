/** @file Imports into the browser's storage that are disturbed, with a checkpoint of several chunks. */
import type { BrowserContext, Page } from '@playwright/test';
import { DIST } from '../scripts/build.mjs';
import { startFileServer } from '../scripts/file-server.mjs';
import { test as base, expect } from './app.ts';
import { deepCheckpoint } from './deep-checkpoint.ts';

/** What a kill may cost: the length of the longest chunk that there may be, for the one at hand and what was read ahead. */
const LOST_BYTES = 64e6;

interface DeepSite {
  readonly url: string;
  readonly model: string;
}

const test = base.extend<
  { context: BrowserContext; fetched: { bytes: number } },
  { deep: DeepSite }
>({
  deep: [
    // oxlint-disable-next-line no-empty-pattern -- Playwright reads a fixture's dependencies off the pattern.
    async ({}, use) => {
      const checkpoint = deepCheckpoint(96);
      const server = await startFileServer([
        { prefix: '/deep/', root: checkpoint.folder },
        { prefix: '/', root: DIST },
      ]);
      await use({ url: server.url, model: `${server.url}deep` });
      await server.close();
      checkpoint.remove();
    },
    { scope: 'worker' },
  ],
  fetched: async ({ context }, use) => {
    const fetched = { bytes: 0 };
    context.on('request', (request) => {
      const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(request.headers()['range'] ?? '') ?? [];
      fetched.bytes += first === undefined ? 0 : Number(last) - Number(first) + 1;
    });
    await use(fetched);
  },
});

async function newTab(context: BrowserContext, deep: DeepSite): Promise<Page> {
  const page = await context.newPage();
  await page.goto(deep.url);
  return page;
}

/** Loads the model, keeping it, and makes one frame of it. */
function importAndGenerate(
  page: Page,
  model: string,
  storage = true,
): Promise<{ downloadBytes: number; rgba: number[] }> {
  return page.evaluate(
    async (options) => {
      const { zoetrope } = window;
      if (!zoetrope) throw new Error('no engine');
      const pipeline = await zoetrope.VideoPipeline.fromPretrained(options.model, {
        device: 'wasm',
        storage: options.storage,
      });
      const size = { width: 32, height: 32, numFrames: 1, numInferenceSteps: 1, guidanceScale: 1 };
      const result = await pipeline.generate({ prompt: 'a blue heart', seed: 1, ...size });
      const [group] = await result.frames();
      const { downloadBytes } = pipeline.checkpoint;
      await pipeline.dispose();
      return { downloadBytes, rgba: [...(group?.rgba ?? [])] };
    },
    { model, storage },
  );
}

test('a tab that dies in the middle of an import costs a chunk at the most', async ({
  context,
  deep,
  fetched,
}) => {
  const dying = await newTab(context, deep);
  await dying.evaluate((model) => {
    void window.zoetrope?.VideoPipeline.fromPretrained(model, {
      device: 'wasm',
      storage: true,
      onProgress: ({ fraction }) => {
        document.title = String(fraction);
      },
    });
  }, deep.model);
  await dying.waitForFunction(() => Number(document.title) > 0.7, undefined, { polling: 20 });
  const crashed = dying.waitForEvent('crash');
  const session = await context.newCDPSession(dying);
  // It never answers.
  session.send('Page.crash').catch(() => undefined);
  await crashed;

  const tab = await newTab(context, deep);
  const before = fetched.bytes;
  const resumed = await importAndGenerate(tab, deep.model);
  const again = fetched.bytes - before;
  expect(again).toBeLessThan(resumed.downloadBytes * 0.3 + LOST_BYTES);
  expect(fetched.bytes).toBeLessThan(resumed.downloadBytes * 1.02 + LOST_BYTES);
  const { rgba } = await importAndGenerate(tab, deep.model, false);
  expect(resumed.rgba).toEqual(rgba);
});

test('two tabs that import the same model do the work once', async ({ context, deep, fetched }) => {
  const tabs = [await newTab(context, deep), await newTab(context, deep)];
  const before = fetched.bytes;
  const [first, second] = await Promise.all(tabs.map((tab) => importAndGenerate(tab, deep.model)));
  expect(fetched.bytes - before).toBeLessThan((first?.downloadBytes ?? 0) * 1.02);
  expect(second?.rgba).toEqual(first?.rgba);
});

test(
  'data cleared during a run is reported as lost, and the next run fetches it',
  { tag: '@heavy' },
  async ({ context, deep, fetched }) => {
    const page = await newTab(context, deep);
    const session = await context.newCDPSession(page);
    const fields = {
      prompt: 'a blue heart',
      width: '32',
      height: '32',
      'num-frames': '1',
      'num-inference-steps': '20',
      'guidance-scale': '1',
      device: 'wasm',
      storage: '',
    };
    await page.goto(`${deep.url}?${new URLSearchParams(fields).toString()}`);
    await page.getByRole('button', { name: 'Generate' }).click();
    // The decoder's weights are still to be read.
    await expect(page.locator('#progress-stage')).toContainText('Denoising', { timeout: 120_000 });
    await session.send('Storage.clearDataForOrigin', {
      origin: new URL(deep.url).origin,
      storageTypes: 'indexeddb',
    });
    const ended = page.locator('#player:visible, #error:visible').first();
    await expect(ended).toBeVisible({ timeout: 120_000 });
    await expect(page.locator('#error')).toContainText('storage-lost');
    await expect(page.locator('#error')).toContainText('Load the model again');
    await expect(page.locator('#status')).not.toHaveText('Cancelled.');

    const before = fetched.bytes;
    await page.getByRole('button', { name: 'Generate' }).click();
    await expect(page.locator('#player')).toBeVisible({ timeout: 120_000 });
    expect(fetched.bytes - before).toBeGreaterThan(1e6);
  },
);
