/** @file Readable, operable by keyboard alone, and at home on a phone. */
import { AxeBuilder } from '@axe-core/playwright';
import type { Page } from '@playwright/test';
import { expect, expectClip, generate, open, SMALL, test } from './app.ts';

const CLIP = { ...SMALL, 'num-frames': '5', prompt: 'a red ball', seed: '1' };

type ColorScheme = 'light' | 'dark';

/** Every rule once: in the dark only the colours are others. */
async function expectAccessible(page: Page, colorScheme: ColorScheme): Promise<void> {
  const axe = new AxeBuilder({ page });
  if (colorScheme === 'dark') axe.withRules(['color-contrast']);
  else axe.withTags(['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa', 'best-practice']);
  const { violations } = await axe.analyze();
  expect(violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)])).toEqual([]);
}

for (const colorScheme of ['light', 'dark'] satisfies ColorScheme[]) {
  test(`axe finds nothing, idle and finished (${colorScheme})`, async ({ sharedPage, site }) => {
    await sharedPage.emulateMedia({ colorScheme });
    await open(sharedPage, site, { ...CLIP, storage: '', memory: '1' });
    await expect(sharedPage.locator('#plan')).toHaveAttribute('data-outcome', 'too-large');
    await expectAccessible(sharedPage, colorScheme);
    await sharedPage.locator('#memory').fill('28');
    await expect(sharedPage.locator('#plan')).toHaveAttribute('data-outcome', 'streamed');
    await expectAccessible(sharedPage, colorScheme);
    await sharedPage.locator('#num-frames').fill('6');
    await sharedPage.getByRole('button', { name: 'Generate' }).click();
    await expect(sharedPage.getByRole('alert')).toContainText('invalid-argument');
    await expectAccessible(sharedPage, colorScheme);
    await sharedPage.locator('#num-frames').fill('5');
    await generate(sharedPage);
    await sharedPage.getByRole('slider', { name: 'Moment of the run' }).press('Home');
    await expectAccessible(sharedPage, colorScheme);
    await sharedPage.getByRole('button', { name: 'Delete pocket' }).click();
    await expectAccessible(sharedPage, colorScheme);
    await sharedPage.emulateMedia({ colorScheme: null });
  });
}

test('works by keyboard alone', async ({ sharedPage, site }) => {
  await open(sharedPage, site, { ...SMALL, 'num-frames': '5' });
  await sharedPage.locator('#theme').focus();
  await sharedPage.keyboard.press('Tab');
  await expect(sharedPage.locator('#prompt')).toBeFocused();
  await sharedPage.keyboard.type('a red ball');
  await sharedPage.keyboard.press('Tab');
  await expect(sharedPage.locator('#generate')).toBeFocused();
  const reached: string[] = [];
  for (let press = 0; press < 40 && reached.at(-1) !== 'seed-lock'; press++) {
    await sharedPage.keyboard.press('Tab');
    reached.push(await sharedPage.evaluate(() => document.activeElement?.id ?? ''));
  }
  expect(reached).toEqual(expect.arrayContaining(['width', 'num-frames', 'seed', 'seed-lock']));
  for (const _ of reached) await sharedPage.keyboard.press('Shift+Tab');
  await expect(sharedPage.locator('#generate')).toBeFocused();
  await sharedPage.keyboard.press('Enter');
  await expect(sharedPage.locator('#cancel')).toBeFocused();
  await expectClip(sharedPage);
  await expect(sharedPage.locator('#generate')).toBeFocused();

  await sharedPage.keyboard.press('Tab');
  await expect(sharedPage.locator('#play')).toBeFocused();
  const label = await sharedPage.locator('#play').getAttribute('aria-label');
  if (label === 'Pause') await sharedPage.keyboard.press('Space');
  await expect(sharedPage.locator('#play')).toHaveAttribute('aria-label', 'Play');
  await sharedPage.keyboard.press('Tab');
  await sharedPage.keyboard.press('Home');
  await expect(sharedPage.locator('#frame-counter')).toHaveText('1 / 5');
  await sharedPage.keyboard.press('ArrowRight');
  await expect(sharedPage.locator('#frame-counter')).toHaveText('2 / 5');
});

test('fits a phone 360 pixels wide', async ({ sharedPage, site }) => {
  await sharedPage.setViewportSize({ width: 360, height: 740 });
  await open(sharedPage, site, CLIP);
  await sharedPage.locator('#advanced > summary').click();
  await generate(sharedPage);
  const width = await sharedPage.evaluate(() => document.documentElement.scrollWidth);
  expect(width).toBeLessThanOrEqual(360);
  await test.info().attach('phone', {
    body: await sharedPage.screenshot({ fullPage: true }),
    contentType: 'image/png',
  });
  await sharedPage.setViewportSize({ width: 1280, height: 720 });
});

test('an error that names a file fits a phone', async ({ sharedPage, site }) => {
  await sharedPage.setViewportSize({ width: 360, height: 740 });
  await open(sharedPage, site, { ...CLIP, model: '/damaged/not-safetensors' });
  await sharedPage.getByRole('button', { name: 'Generate' }).click();
  const name = 'transformer/diffusion_pytorch_model.safetensors';
  await expect(sharedPage.getByRole('alert')).toContainText(name);
  await expect(sharedPage.locator('#plan-reason')).toContainText(name);
  const width = await sharedPage.evaluate(() => document.documentElement.scrollWidth);
  expect(width).toBeLessThanOrEqual(360);
  await sharedPage.setViewportSize({ width: 1280, height: 720 });
});

test('stands still where motion is unwelcome', async ({ sharedPage, site }) => {
  await sharedPage.emulateMedia({ reducedMotion: 'reduce' });
  await open(sharedPage, site, CLIP);
  expect(await sharedPage.evaluate(() => document.getAnimations().length)).toBe(0);
  await generate(sharedPage);
  await expect(sharedPage.locator('#play')).toHaveAttribute('aria-label', 'Play');
  await sharedPage.emulateMedia({ reducedMotion: null });
});

test('keeps the chosen theme', async ({ sharedPage, site }) => {
  await sharedPage.emulateMedia({ colorScheme: 'light' });
  await open(sharedPage, site);
  await sharedPage.getByRole('button', { name: 'Switch to dark colours' }).click();
  await sharedPage.reload();
  await expect(sharedPage.getByRole('button', { name: 'Switch to light colours' })).toBeVisible();
  await sharedPage.evaluate(() => localStorage.clear());
  await sharedPage.emulateMedia({ colorScheme: null });
});
