/** @file What a clip will take is told beforehand, and what it took is drawn. */
import type { Page } from '@playwright/test';
import { expect, expectClip, generate, open, SMALL, test } from './app.ts';

/** With guidance: both passes count in what is foretold. */
const CLIP = {
  ...SMALL,
  'guidance-scale': '4',
  prompt: 'a red ball',
  seed: '1',
  device: 'wasm',
  dtype: 'float32',
};

/** Paths of the chart that have a shape. */
function drawn(page: Page): Promise<string[]> {
  return page
    .locator('#timeline-plot path')
    .evaluateAll((paths) =>
      paths.flatMap((path) =>
        path.getAttribute('d') && path instanceof SVGPathElement
          ? [path.dataset['area'] ?? path.dataset['line'] ?? '']
          : [],
      ),
    );
}

test('memory is drawn while a clip is made, and afterwards', async ({ sharedPage, site }) => {
  await open(sharedPage, site, { ...CLIP, memory: '36' });
  await expect(sharedPage.locator('#timeline')).toBeHidden();
  await sharedPage.getByRole('button', { name: 'Generate' }).click();
  await expect(sharedPage.locator('#timeline')).toBeVisible();
  await expect(sharedPage.locator('#player')).toBeHidden();
  await expectClip(sharedPage);

  await expect(sharedPage.locator('#timeline')).toBeVisible();
  await expect(sharedPage.locator('#timeline-text')).toContainText('of a budget of 36.0 MB');
  await expect(sharedPage.locator('#timeline-text')).toHaveText(
    /at the most.* weights [\d.]+ MB.* [\d.]+ MB of weights written to the device/,
  );
  expect(await drawn(sharedPage)).toEqual(expect.arrayContaining(['weights', 'decode', 'peak']));
  await expect(sharedPage.locator('#timeline-phases > span')).toHaveText([
    'fetch',
    'text',
    'denoise',
    'decode',
  ]);
  await expect(sharedPage.locator('#timeline-budget')).toBeVisible();
});

test('moments of the chart are read by keyboard', async ({ sharedPage, site }) => {
  await open(sharedPage, site, CLIP);
  await generate(sharedPage);
  const plot = sharedPage.getByRole('slider', { name: 'Moment of the run' });
  await plot.press('Home');
  await expect(plot).toHaveAttribute('aria-valuetext', /Fetching the weights/);
  await expect(sharedPage.locator('#timeline-cursor')).toBeVisible();
  await plot.press('ArrowRight');
  await expect(plot).toHaveAttribute('aria-valuenow', '1');
  await plot.press('End');
  await expect(plot).toHaveAttribute('aria-valuetext', /on the device/);
  await sharedPage.locator('#scrubber').focus();
  await expect(sharedPage.locator('#timeline-cursor')).toBeHidden();
});

test('an older clip brings its own chart back', async ({ sharedPage, site }) => {
  await open(sharedPage, site, { ...CLIP, 'num-frames': '1' });
  await generate(sharedPage);
  await sharedPage.locator('#prompt').fill('a blue heart');
  await generate(sharedPage);
  const phases = sharedPage.locator('#timeline-phases');
  // The model was there already.
  await expect(phases).not.toContainText('fetch');
  await sharedPage.getByRole('button', { name: 'a red ball, seed 1' }).click();
  await expect(phases).toContainText('fetch');
});

test('a plan follows the form', async ({ sharedPage, site }) => {
  await open(sharedPage, site, CLIP);
  const plan = sharedPage.locator('#plan');
  await expect(plan).toHaveAttribute('data-outcome', 'resident');
  await expect(plan.locator('dd')).toHaveCount(3);
  await expect(plan).toContainText(/Fetches 10\.\d MB/);

  await sharedPage.locator('#memory').fill('28');
  await expect(plan).toHaveAttribute('data-outcome', 'streamed');
  await expect(plan).toContainText('of 28.0 MB');
  await sharedPage.locator('#weights').selectOption('q4');
  await expect(plan).toHaveAttribute('data-outcome', 'resident');
  await expect(plan).toContainText('(q4) in RAM');

  await sharedPage.locator('#memory').fill('1');
  await expect(plan).toHaveAttribute('data-outcome', 'too-large');
  await plan.getByRole('button', { name: 'Allow' }).click();
  await expect(plan).toHaveAttribute('data-outcome', /resident|streamed/);
  expect(Number(await sharedPage.locator('#memory').inputValue())).toBeGreaterThan(1);

  await sharedPage.locator('#width').fill('50');
  await expect(plan).toHaveAttribute('data-outcome', 'none');
  await expect(plan).toContainText('width: 50');
});

test('memory options go to the engine and into the link', async ({ sharedPage, site }) => {
  const memory = { weights: 'q8', guidance: 'sequential', memory: '36' };
  await open(sharedPage, site, { ...CLIP, 'num-frames': '1', ...memory });
  await generate(sharedPage);
  await sharedPage.getByRole('button', { name: 'Copy link' }).click();
  await expect(sharedPage.locator('#save-status')).toHaveText('Link copied.');
  const link = new URL(await sharedPage.evaluate(() => navigator.clipboard.readText()));
  expect(Object.fromEntries(link.searchParams)).toMatchObject(memory);
});

test('RAM without storage is refused at its field', async ({ sharedPage, site }) => {
  await open(sharedPage, site, { ...CLIP, ram: '8' });
  await sharedPage.getByRole('button', { name: 'Generate' }).click();
  await expect(sharedPage.getByRole('alert')).toContainText('memory.ramBytes');
  await expect(sharedPage.locator('#ram')).toHaveAttribute('aria-invalid', 'true');
});
