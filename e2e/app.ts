/**
 * @file What every test uses: the built page on a loopback server, and one tab that the tests of a worker share, since
 * loading the engine and compiling its kernels is most of the time.
 */
import { test as base, expect, type Page } from '@playwright/test';
import { DIST } from '../scripts/build.mjs';
import { startFileServer } from '../scripts/file-server.mjs';
import { damagedCheckpoints } from './checkpoints.ts';

export { expect };

/** The smallest clip with more than one group of frames, at one pass a step. */
export const SMALL = {
  width: '32',
  height: '32',
  'num-frames': '5',
  'num-inference-steps': '2',
  'guidance-scale': '1',
} as const;

export interface Site {
  /** The page's address; ends with a slash. */
  readonly url: string;
}

interface WorkerFixtures {
  site: Site;
  sharedPage: Page;
}

export const test = base.extend<object, WorkerFixtures>({
  site: [
    // oxlint-disable-next-line no-empty-pattern -- Playwright reads a fixture's dependencies off the pattern.
    async ({}, use) => {
      const damaged = damagedCheckpoints();
      const server = await startFileServer([
        { prefix: '/damaged/', root: damaged.folder },
        { prefix: '/', root: DIST },
      ]);
      await use({ url: server.url });
      await server.close();
      damaged.remove();
    },
    { scope: 'worker' },
  ],
  sharedPage: [
    async ({ browser }, use) => {
      const context = await browser.newContext({ acceptDownloads: true });
      await context.grantPermissions(['clipboard-read', 'clipboard-write']);
      const page = await context.newPage();
      await use(page);
      await context.close();
    },
    { scope: 'worker' },
  ],
});

/** Opens the page with its form filled by the address. */
export async function open(
  page: Page,
  site: Site,
  fields: Readonly<Record<string, string>> = {},
): Promise<void> {
  await page.goto(`${site.url}?${new URLSearchParams(fields).toString()}`);
  await expect(page.locator('#download-report')).not.toHaveText('looking …');
}

/** Presses Generate and waits for the clip. */
export async function generate(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Generate' }).click();
  await expectClip(page);
}

export async function expectClip(page: Page): Promise<void> {
  const ended = page.locator('#player:visible, #error:visible').first();
  const hasEnded = await ended.waitFor({ timeout: 220_000 }).then(
    () => true,
    () => false,
  );
  // A log alone must show where a run stopped.
  if (!hasEnded) {
    const words = await page.locator('#stage, #status, #progress, #notices').allInnerTexts();
    throw new Error(`no clip in time: ${words.join(' | ')}`);
  }
  await expect(page.locator('#error')).toBeHidden();
}

/** How many different colours the canvas shows: more than one means that there is a picture. */
export async function coloursOnCanvas(page: Page): Promise<number> {
  return page.locator('#canvas').evaluate((canvas) => {
    if (!(canvas instanceof HTMLCanvasElement)) return 0;
    const context = canvas.getContext('2d');
    if (!context) return 0;
    const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
    return new Set(new Uint32Array(data.buffer)).size;
  });
}
