/** @file Cancelling in the middle of a run: at once, without leaving memory behind. */
import { expect, open, SMALL, test } from './app.ts';

test('Escape ends the run, and the next one works', async ({ sharedPage, site }) => {
  await open(sharedPage, site, { ...SMALL, 'num-inference-steps': '40', prompt: 'a red ball' });
  await sharedPage.getByRole('button', { name: 'Generate' }).click();
  await expect(sharedPage.locator('#progress-stage')).toContainText('Denoising', {
    timeout: 200_000,
  });
  await sharedPage.keyboard.press('Escape');
  await expect(sharedPage.locator('#progress')).toBeHidden();
  await expect(sharedPage.locator('#status')).toHaveText('Cancelled.');
  await expect(sharedPage.locator('#error')).toBeHidden();
  await expect(sharedPage.getByRole('button', { name: 'Generate' })).toBeEnabled();
});

for (const device of ['webgpu', 'wasm'] as const) {
  test(`gives all memory of the run back (${device})`, async ({ sharedPage, site }) => {
    await open(sharedPage, site);
    const { before, after, peak, name } = await sharedPage.evaluate(async (device) => {
      const source = new URL('models/pocket', document.baseURI).href;
      const pipeline = await window.zoetrope?.VideoPipeline.fromPretrained(source, { device });
      if (!pipeline) throw new Error('The page exposes no engine.');
      const clip = { prompt: 'a red ball', width: 16, height: 16, numFrames: 1, seed: 1 };
      // The first run compiles sessions, which stay: the level to come back to is the one after it.
      const result = await pipeline.generate({ ...clip, numInferenceSteps: 1 });
      await result.dispose();
      const before = await pipeline.memory();
      const controller = new AbortController();
      const run = pipeline.generate({
        ...clip,
        numInferenceSteps: 30,
        signal: controller.signal,
        onStepEnd: ({ step }) => {
          if (step >= 1) controller.abort();
        },
      });
      const name = await run.then(
        () => 'finished',
        (error: unknown) => (error instanceof DOMException ? error.name : String(error)),
      );
      const after = await pipeline.memory();
      await pipeline.dispose();
      return { before: before.liveBytes, after: after.liveBytes, peak: after.peakBytes, name };
    }, device);
    expect(name).toBe('AbortError');
    expect(peak).toBeGreaterThan(before);
    expect(after).toBe(before);
  });
}

test('an aborted signal stops loading before anything is fetched', async ({ sharedPage, site }) => {
  await open(sharedPage, site);
  const name = await sharedPage.evaluate(async () => {
    const source = new URL('models/pocket', document.baseURI).href;
    const signal = AbortSignal.abort();
    try {
      await window.zoetrope?.VideoPipeline.fromPretrained(source, { device: 'wasm', signal });
      return 'finished';
    } catch (error) {
      return error instanceof DOMException ? error.name : String(error);
    }
  });
  expect(name).toBe('AbortError');
});
