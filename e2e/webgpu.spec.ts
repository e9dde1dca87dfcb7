/** @file A clip made on WebGPU (Chromium's software adapter), from the button to the saved files. */
import { readFileSync } from 'node:fs';
import type { Download, Page } from '@playwright/test';
import { coloursOnCanvas, expect, expectClip, generate, open, SMALL, test } from './app.ts';

const PROMPT = 'a red ball moves right';

test.describe.configure({ mode: 'serial' });

test('says what will run where, before anything large is fetched', async ({ sharedPage, site }) => {
  const fetched: string[] = [];
  sharedPage.on('request', (request) => fetched.push(request.url()));
  await open(sharedPage, site, { ...SMALL, prompt: PROMPT, seed: '7', device: 'webgpu' });
  await expect(sharedPage.locator('#device-report')).toContainText('WebGPU');
  await expect(sharedPage.locator('#device-report')).toContainText('software');
  await expect(sharedPage.locator('#download-report')).toContainText('MB');
  await expect(sharedPage.locator('#download-report li')).not.toHaveCount(0);
  expect(fetched.filter((url) => url.endsWith('.wasm'))).toEqual([]);
});

test('makes a clip and plays it', async ({ sharedPage }) => {
  await sharedPage.getByRole('button', { name: 'Generate' }).click();
  const bar = sharedPage.getByRole('progressbar');
  await expect(bar).toBeVisible();
  await expect(sharedPage.locator('#progress-stage')).toContainText(/step \d of 2/, {
    timeout: 200_000,
  });
  await expect(sharedPage.locator('#progress-memory')).toContainText('at most');
  await expectClip(sharedPage);
  await expect(sharedPage.locator('#summary')).toContainText('32 × 32, 5 frames, 2 steps, seed 7');
  await expect(sharedPage.locator('#summary')).toContainText('webgpu');
  await expect(sharedPage.locator('#frame-counter')).toContainText('/ 5');
  expect(await coloursOnCanvas(sharedPage)).toBeGreaterThan(1);
});

test('makes the same clip again from the same seed, and keeps both', async ({ sharedPage }) => {
  const first = await pixels(sharedPage);
  await generate(sharedPage);
  expect(await pixels(sharedPage)).toEqual(first);
  await expect(sharedPage.locator('#clips li')).toHaveCount(2);
  await sharedPage.locator('#clips button').last().click();
  // The clip's frames are fetched from the worker first.
  await expect.poll(() => pixels(sharedPage)).toEqual(first);
});

for (const container of ['MP4', 'WebM']) {
  test(`saves a ${container} that plays`, async ({ sharedPage }) => {
    const file = await save(sharedPage, container);
    const clip = await playVideo(sharedPage, file.bytes, `video/${container.toLowerCase()}`);
    expect(clip).toEqual({ width: 512, height: 512, ended: true });
    expect(file.name).toBe(`a-red-ball-moves-right-7.${container.toLowerCase()}`);
  });
}

test('saves a GIF of all frames', async ({ sharedPage }) => {
  const file = await save(sharedPage, 'GIF');
  const frames = await sharedPage.evaluate(async (base64) => {
    const data = await (await fetch(`data:image/gif;base64,${base64}`)).arrayBuffer();
    const decoder = new ImageDecoder({ data, type: 'image/gif' });
    await decoder.tracks.ready;
    await decoder.completed;
    return decoder.tracks.selectedTrack?.frameCount;
  }, file.bytes.toString('base64'));
  expect(frames).toBe(5);
});

test('saves the frames as numbered pictures', async ({ sharedPage }) => {
  const file = await save(sharedPage, 'PNGs');
  expect(file.name).toBe('a-red-ball-moves-right-7.zip');
  // Each entry is named twice: before its data and in the directory at the end.
  const names = file.bytes.toString('latin1').match(/[\w-]+\.png/g);
  expect(new Set(names).size).toBe(5);
});

test('copies the parameters', async ({ sharedPage }) => {
  await sharedPage.getByRole('button', { name: 'Copy parameters' }).click();
  await expect(sharedPage.locator('#save-status')).toHaveText('Parameters copied.');
  const text = await sharedPage.evaluate(() => navigator.clipboard.readText());
  expect(JSON.parse(text)).toMatchObject({ prompt: PROMPT, seed: 7, numFrames: 5, width: 32 });
});

async function pixels(page: Page): Promise<string> {
  await page.getByRole('slider', { name: 'Frame' }).fill('4');
  return page
    .locator('#canvas')
    .evaluate((canvas) => (canvas instanceof HTMLCanvasElement ? canvas.toDataURL() : ''));
}

async function save(page: Page, container: string): Promise<{ name: string; bytes: Buffer }> {
  await page.locator('#scale').selectOption({ label: '512 × 512' });
  const [download]: [Download, void] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: container, exact: true }).click(),
  ]);
  return { name: download.suggestedFilename(), bytes: readFileSync(await download.path()) };
}

async function playVideo(
  page: Page,
  bytes: Buffer,
  type: string,
): Promise<{ width: number; height: number; ended: boolean }> {
  return page.evaluate(
    async ({ base64, type }) => {
      const blob = await (await fetch(`data:${type};base64,${base64}`)).blob();
      const video = document.createElement('video');
      video.muted = true;
      video.src = URL.createObjectURL(blob);
      const ended = new Promise((resolve, reject) => {
        video.addEventListener('ended', resolve);
        video.addEventListener('error', () => reject(new Error(video.error?.message)));
      });
      await video.play();
      await ended;
      URL.revokeObjectURL(video.src);
      return { width: video.videoWidth, height: video.videoHeight, ended: video.ended };
    },
    { base64: bytes.toString('base64'), type },
  );
}
