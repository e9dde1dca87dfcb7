/** @file Saving where an encoder promises and fails, the choice of a codec, and errors that go with their causes. */
import type { Page } from '@playwright/test';
import { expect, generate, open, SMALL, test } from './app.ts';

const CLIP = { ...SMALL, prompt: 'a red ball moves right', seed: '7', device: 'wasm' };

/** Runs in the worker: these encoders are offered, and fail with their second frame. */
const BROKEN_ENCODERS = `{
const Real = self.VideoEncoder;
self.VideoEncoder = class extends Real {
  constructor(init) {
    super(init);
    this.fail = () => {
      if (this.state === 'closed') return;
      this.close();
      init.error(new DOMException('Encoder creation error', 'OperationError'));
    };
  }
  configure(config) {
    super.configure(config);
    this.isBroken = /^(avc1|av01)/.test(config.codec);
    this.frames = 0;
  }
  encode(frame, options) {
    super.encode(frame, options);
    this.frames += 1;
    if (this.isBroken && this.frames === 2) this.fail();
  }
};
}
`;

test.describe.configure({ mode: 'serial' });

test.beforeAll(async ({ sharedPage, site }) => {
  await sharedPage.context().route(/worker[^/]*\.js$/, async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, body: BROKEN_ENCODERS + (await response.text()) });
  });
  await open(sharedPage, site, CLIP);
  await generate(sharedPage);
});

test.afterAll(async ({ sharedPage }) => {
  await sharedPage.context().unrouteAll();
});

const codecField = (page: Page) => page.getByRole('combobox', { name: /^Codec/ });
const status = (page: Page) => page.locator('#save-status');

async function save(page: Page, container: string): Promise<string> {
  const downloading = page.waitForEvent('download');
  await page.getByRole('button', { name: container, exact: true }).click();
  return (await downloading).suggestedFilename();
}

test('offers the codecs that the browser says it can encode', async ({ sharedPage }) => {
  await sharedPage.evaluate(() => {
    const ask = VideoEncoder.isConfigSupported.bind(VideoEncoder);
    VideoEncoder.isConfigSupported = async (config) =>
      config.codec.startsWith('vp8') ? { supported: false, config } : ask(config);
    Object.assign(globalThis, { mend: () => void (VideoEncoder.isConfigSupported = ask) });
  });
  await codecField(sharedPage).hover();
  await expect(codecField(sharedPage).locator('option')).toHaveText([
    'Automatic',
    'H.264 (MP4 only)',
    'VP9',
    'AV1',
  ]);
  await sharedPage.evaluate('mend()');
  await sharedPage.locator('#scale').selectOption({ label: '64 × 64' });
  await expect(codecField(sharedPage).locator('option')).toHaveText([
    'Automatic',
    'H.264 (MP4 only)',
    'VP9',
    'AV1',
    'VP8 (WebM only)',
  ]);
});

test('a codec that was chosen and fails is reported with what works', async ({ sharedPage }) => {
  await codecField(sharedPage).selectOption({ label: 'AV1' });
  await sharedPage.getByRole('button', { name: 'MP4', exact: true }).click();
  const alert = sharedPage.getByRole('alert');
  await expect(alert).toContainText('could not encode this clip with it: OperationError');
  await expect(alert).toContainText('Choose VP9 (vp9), which works here');
  await expect(codecField(sharedPage).locator('option[value=av1]')).toBeDisabled();
  await expect(codecField(sharedPage).locator('option[value=av1]')).toHaveText(
    'AV1: did not work here',
  );
  await expect(codecField(sharedPage)).toHaveValue('');
});

test('an error of saving goes when the clip is saved otherwise', async ({ sharedPage }) => {
  await expect(sharedPage.getByRole('alert')).toBeVisible();
  expect(await save(sharedPage, 'WebM')).toBe('a-red-ball-moves-right-7.webm');
  await expect(sharedPage.getByRole('alert')).toBeHidden();
  await expect(status(sharedPage)).toContainText('(vp9)');
});

test('MP4 where H.264 fails is saved by the next codec, and says so', async ({ sharedPage }) => {
  expect(await save(sharedPage, 'MP4')).toBe('a-red-ball-moves-right-7.mp4');
  await expect(status(sharedPage)).toContainText('(vp9)');
  await expect(status(sharedPage)).toContainText('H.264 failed in this browser');
  await expect(codecField(sharedPage).locator('option[value=avc]')).toBeDisabled();
});

test('a codec is chosen by the keyboard, and says which files cannot hold it', async ({
  sharedPage,
}) => {
  await codecField(sharedPage).focus();
  await sharedPage.keyboard.type('VP8');
  await expect(codecField(sharedPage)).toHaveValue('vp8');
  const mp4 = sharedPage.getByRole('button', { name: 'MP4', exact: true });
  await expect(mp4).toHaveAttribute('aria-disabled', 'true');
  await mp4.focus();
  await sharedPage.keyboard.press('Enter');
  await expect(status(sharedPage)).toHaveText(
    'MP4 files cannot hold VP8: choose Automatic or VP9 as the codec.',
  );
  expect(await save(sharedPage, 'WebM')).toContain('.webm');
  await expect(status(sharedPage)).toContainText('(vp8)');
  // A GIF has no codec, whatever is chosen.
  expect(await save(sharedPage, 'GIF')).toContain('.gif');
});

test('an error of saving goes with another size', async ({ sharedPage }) => {
  await sharedPage.locator('#scale').selectOption({ label: '128 × 128' });
  // What did not work at one size may work at another.
  await expect(codecField(sharedPage).locator('option[value=av1]')).toBeEnabled();
  await codecField(sharedPage).selectOption('av1');
  await sharedPage.getByRole('button', { name: 'MP4', exact: true }).click();
  await expect(sharedPage.getByRole('alert')).toBeVisible();
  await sharedPage.locator('#scale').selectOption({ label: '32 × 32' });
  await expect(sharedPage.getByRole('alert')).toBeHidden();
});

test('an error of saving goes when another clip is chosen', async ({ sharedPage }) => {
  await expect(codecField(sharedPage).locator('option[value=av1]')).toBeEnabled();
  await codecField(sharedPage).selectOption('av1');
  await sharedPage.getByRole('button', { name: 'MP4', exact: true }).click();
  await expect(sharedPage.getByRole('alert')).toBeVisible();
  await sharedPage.locator('#clips button').first().click();
  await expect(sharedPage.getByRole('alert')).toBeHidden();
});

test('an error about an option goes when the option is changed', async ({ sharedPage, site }) => {
  await open(sharedPage, site, { ...CLIP, width: '50' });
  const alert = sharedPage.getByRole('alert');
  await sharedPage.getByRole('button', { name: 'Generate' }).click();
  await expect(alert).toContainText('width: 50');
  await sharedPage.locator('#height').fill('48');
  await expect(alert).toBeVisible();
  await sharedPage.locator('#width').fill('48');
  await expect(alert).toBeHidden();
  await expect(sharedPage.locator('#width')).not.toHaveAttribute('aria-invalid');
});

test('an error about memory goes when the budget is changed', async ({ sharedPage, site }) => {
  await open(sharedPage, site, { ...CLIP, memory: '24', width: '256', height: '256' });
  const alert = sharedPage.getByRole('alert');
  await sharedPage.getByRole('button', { name: 'Generate' }).click();
  await expect(alert).toContainText('out-of-memory', { timeout: 120_000 });
  await sharedPage.locator('#prompt').fill('a blue star');
  await expect(alert).toBeVisible();
  // The button of the plan fills the field itself.
  await sharedPage.locator('#plan-fix').click();
  await expect(alert).toBeHidden();
});
