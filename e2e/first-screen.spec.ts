/** @file The first screen: Generate under the prompt, and the whole stage in view before, while and after a clip is made. */
import type { Page } from '@playwright/test';
import { expect, expectClip, open, type Site, SMALL, test } from './app.ts';

const SIZES = [
  { width: 1440, height: 900 },
  { width: 1024, height: 768 },
  { width: 390, height: 844 },
];

const CLIP = {
  ...SMALL,
  'num-inference-steps': '1',
  prompt: 'a red ball',
  seed: '1',
  device: 'wasm',
};

/** Edges in the window, rounded to pixels; an element that is not shown has none. */
type Box = readonly [left: number, top: number, right: number, bottom: number];

interface Look {
  readonly window: readonly [width: number, height: number];
  readonly pageWidth: number;
  readonly scrollY: number;
  readonly generate: Box;
  readonly stage: Box;
  readonly progress?: Box;
  readonly cancel?: Box;
  readonly controls?: Box;
  readonly error?: Box;
}

/** Defines `look` in the page, and `looks`: one for each picture that the browser draws. */
async function watch(page: Page): Promise<void> {
  await page.evaluate(() => {
    // oxlint-disable-next-line unicorn/consistent-function-scoping -- The page knows nothing of this file.
    const box = (selector: string): Box | undefined => {
      const shown = document.querySelector(selector);
      if (!shown?.checkVisibility()) return undefined;
      const { left, top, right, bottom } = shown.getBoundingClientRect();
      return [Math.round(left), Math.round(top), Math.round(right), Math.round(bottom)];
    };
    const look = (): object => ({
      window: [document.documentElement.clientWidth, innerHeight],
      pageWidth: document.documentElement.scrollWidth,
      scrollY,
      generate: box('#generate'),
      stage: box('#stage'),
      progress: box('#progress'),
      cancel: box('#cancel'),
      controls: box('#player .transport'),
      error: box('#error'),
    });
    const looks: object[] = [];
    const tick = (): void => {
      looks.push(look());
      requestAnimationFrame(tick);
    };
    requestAnimationFrame(tick);
    Object.assign(globalThis, { look, looks });
  });
}

const lookAt = (page: Page): Promise<Look> => page.evaluate<Look>('globalThis.look()');

/** What was drawn since the last call. */
const looksSince = (page: Page): Promise<Look[]> =>
  page.evaluate<Look[]>('globalThis.looks.splice(0)');

function expectInView(box: Box | undefined, { window: [width, height] }: Look, what: string): void {
  expect(box, what).toBeDefined();
  if (!box) return;
  const [left, top, right, bottom] = box;
  const isInView = left >= 0 && top >= 0 && right <= width && bottom <= height;
  expect(isInView, `${what} at ${box.join(', ')} in ${width} × ${height}`).toBe(true);
}

function expectNoSidewaysScrolling({ pageWidth, window: [width] }: Look): void {
  expect(pageWidth).toBeLessThanOrEqual(width);
}

/** Makes a clip and returns what was drawn of the run. */
async function run(page: Page): Promise<Look[]> {
  await looksSince(page);
  await page.getByRole('button', { name: 'Generate' }).click();
  await expectClip(page);
  const during = (await looksSince(page)).filter(({ progress }) => progress);
  expect(during.length).toBeGreaterThan(0);
  return during;
}

async function openWatched(page: Page, site: Site, fields: Record<string, string>): Promise<void> {
  await open(page, site, fields);
  await expect(page.locator('#plan')).toHaveAttribute('aria-busy', 'false');
  await watch(page);
}

async function restore(page: Page): Promise<void> {
  await page.setViewportSize({ width: 1280, height: 720 });
  await page.emulateMedia({ colorScheme: null, reducedMotion: null });
}

test('Generate and the whole stage are in view before, during and after a run', async ({
  sharedPage: page,
  site,
}) => {
  await openWatched(page, site, CLIP);
  for (const size of SIZES) {
    await page.setViewportSize(size);
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      const before = await lookAt(page);
      expectInView(before.generate, before, 'Generate');
      expectInView(before.stage, before, 'the stage');
      expectNoSidewaysScrolling(before);
    }
  }
  for (const [index, size] of SIZES.entries()) {
    await page.emulateMedia({ colorScheme: index % 2 === 0 ? 'dark' : 'light' });
    await page.setViewportSize(size);
    const before = await lookAt(page);
    const during = await run(page);
    for (const look of during) {
      expectInView(look.stage, look, 'the stage');
      expectInView(look.progress, look, 'the progress');
      expectInView(look.cancel, look, 'Cancel');
      expectNoSidewaysScrolling(look);
    }
    const after = await lookAt(page);
    expectInView(after.controls, after, 'the player’s controls');
    expectInView(after.generate, after, 'Generate');
    expectNoSidewaysScrolling(after);
    // Nothing jumps, and nothing scrolled.
    for (const look of [...during, after]) {
      expect([look.scrollY, look.stage, look.generate]).toEqual([0, before.stage, before.generate]);
    }
  }
  await restore(page);
});

test('an error stands in view, under the stage', async ({ sharedPage: page, site }) => {
  await openWatched(page, site, { ...CLIP, 'num-frames': '6' });
  for (const size of SIZES) {
    await page.setViewportSize(size);
    await page.getByRole('button', { name: 'Generate' }).click();
    await expect(page.getByRole('alert')).toContainText('invalid-argument');
    const failed = await lookAt(page);
    expectInView(failed.stage, failed, 'the stage');
    expectInView(failed.error, failed, 'the error');
    expectInView(failed.generate, failed, 'Generate');
  }
  await restore(page);
});

test('on a wide screen the stage stays while the settings scroll', async ({
  sharedPage: page,
  site,
}) => {
  await openWatched(page, site, CLIP);
  await page.setViewportSize({ width: 1440, height: 900 });
  await page.locator('#advanced > summary').click();
  await page.locator('#tile').scrollIntoViewIfNeeded();
  const scrolled = await lookAt(page);
  expect(scrolled.scrollY).toBeGreaterThan(400);
  expectInView(scrolled.stage, scrolled, 'the stage');
  // It covers nothing that comes below.
  await page.locator('footer').scrollIntoViewIfNeeded();
  const covered = await page.evaluate(() => {
    const viewer = document.querySelector('.viewer')?.getBoundingClientRect();
    const panels = document.querySelector('.panels')?.getBoundingClientRect();
    return (viewer?.bottom ?? 0) - (panels?.top ?? 0);
  });
  expect(covered).toBeLessThanOrEqual(0);
  await restore(page);
});

const SMALL_SIZES = [
  { width: 320, height: 640 },
  { width: 375, height: 667 },
  { width: 844, height: 390 },
  // 1440 × 900 at 200 %.
  { width: 720, height: 450 },
];

const SHAPES = [
  { width: '80', height: '48' },
  { width: '48', height: '80' },
];

for (const reducedMotion of ['reduce', 'no-preference'] as const) {
  test(
    `a small window scrolls to the stage and its controls (motion: ${reducedMotion})`,
    { tag: '@heavy' },
    async ({ sharedPage: page, site }) => {
      await page.emulateMedia({ reducedMotion });
      for (const size of SMALL_SIZES) {
        for (const shape of SHAPES) {
          await page.setViewportSize(size);
          await openWatched(page, site, { ...CLIP, ...shape });
          await page.evaluate(() => {
            scrollTo(0, 0);
          });
          const during = await run(page);
          const last = during.at(-1);
          if (last) expectInView(last.cancel, last, 'Cancel');
          if (last) expectInView(last.stage, last, 'the stage');
          // Without motion the page has scrolled by the second picture.
          const early = during[2];
          if (reducedMotion === 'reduce' && early) expectInView(early.stage, early, 'the stage');
          await expect
            .poll(async () => {
              const { controls, window } = await lookAt(page);
              return (controls?.[3] ?? Infinity) <= window[1];
            })
            .toBe(true);
          const after = await lookAt(page);
          expectInView(after.stage, after, 'the stage');
          expectNoSidewaysScrolling(after);
        }
      }
      await restore(page);
    },
  );
}
