/** @file Workers that end in the middle of something: it fails once, in words, and the next Generate works. */
import { expect, generate, open, test } from './app.ts';
import { endWorker, expectLostOnce, FIELDS } from './worker-ends.ts';

test(
  'a worker that ends between two clips costs the frames that it kept',
  { tag: '@heavy' },
  async ({ sharedPage, site }) => {
    await open(sharedPage, site, FIELDS);
    await generate(sharedPage);
    await endWorker(sharedPage, 'ends itself');
    await expect(sharedPage.locator('#error')).toBeHidden();
    await sharedPage.locator('#prompt').fill('a blue heart');
    await generate(sharedPage);
    await sharedPage.getByRole('button', { name: 'a red ball, seed 3' }).click();
    const alert = sharedPage.getByRole('alert');
    await expect(alert).toContainText('worker-lost');
    await expect(alert).toContainText('the same seed makes the same clip');
    await expect(sharedPage.locator('#clips li')).toHaveCount(1);
  },
);

test(
  'a worker that fails in the denoising fails the clip, and not the next',
  { tag: '@heavy' },
  async ({ sharedPage, site }) => {
    await open(sharedPage, site, { ...FIELDS, 'num-inference-steps': '40' });
    await sharedPage.getByRole('button', { name: 'Generate' }).click();
    await expect(sharedPage.locator('#progress-stage')).toContainText('Denoising');
    await endWorker(sharedPage, 'has an uncaught error');
    await expectLostOnce(sharedPage);
    await sharedPage.locator('#num-inference-steps').fill('2');
    await generate(sharedPage);
  },
);

test('a script that drives the page sees the loss of a pipeline, in each of its calls', async ({
  sharedPage,
  site,
}) => {
  await open(sharedPage, site);
  await sharedPage.exposeFunction('endWorker', () => endWorker(sharedPage, 'ends itself'));
  const seen = await sharedPage.evaluate(async () => {
    const { zoetrope, endWorker } = window as typeof window & { endWorker: () => Promise<void> };
    if (!zoetrope) throw new Error('The page exposes no engine.');
    const source = new URL('models/pocket', document.baseURI).href;
    const clip = { width: 32, height: 32, numFrames: 5, numInferenceSteps: 1, guidanceScale: 1 };
    const request = { ...clip, prompt: 'a red ball', seed: 1 };
    const codeOf = async (call: Promise<unknown>): Promise<unknown> => {
      try {
        await call;
        return 'fulfilled';
      } catch (error) {
        const { code } = error as { code?: unknown };
        return code ?? zoetrope.describeUnknown(error);
      }
    };
    const load = () => zoetrope.VideoPipeline.fromPretrained(source, { device: 'wasm' });
    const pipeline = await load();
    const result = await pipeline.generate(request);
    const wasLost = pipeline.isLost;
    // The frames arrive while it decodes.
    const onFrames = () => endWorker();
    const decoding = await codeOf(pipeline.generate({ ...request, onFrames }));
    const { code: reason } = await pipeline.lost;
    const after = {
      isLost: pipeline.isLost,
      generate: await codeOf(pipeline.generate(request)),
      memory: await codeOf(pipeline.memory()),
      encodePrompt: await codeOf(pipeline.encodePrompt('a red ball')),
      frames: await codeOf(result.frames()),
      encode: await codeOf(result.encode({ container: 'png' })),
      disposeResult: await codeOf(result.dispose()),
      dispose: await codeOf(pipeline.dispose()),
      again: await codeOf(pipeline.dispose()),
      disposed: await codeOf(pipeline.generate(request)),
    };
    const other = await load();
    const groups = await (await other.generate(request)).frames();
    await other.dispose();
    return { wasLost, decoding, reason, after, groups: groups.length };
  });
  const lost = 'worker-lost';
  expect(seen).toEqual({
    wasLost: false,
    decoding: lost,
    reason: lost,
    after: {
      isLost: true,
      generate: lost,
      memory: lost,
      encodePrompt: lost,
      frames: lost,
      encode: lost,
      disposeResult: 'fulfilled',
      dispose: 'fulfilled',
      again: 'fulfilled',
      disposed: 'invalid-argument',
    },
    groups: 2,
  });
});

test('a pipeline that is disposed of while it generates ends the run, and keeps older clips', async ({
  sharedPage,
  site,
}) => {
  await open(sharedPage, site);
  const seen = await sharedPage.evaluate(async () => {
    const { zoetrope } = window;
    if (!zoetrope) throw new Error('The page exposes no engine.');
    const source = new URL('models/pocket', document.baseURI).href;
    const pipeline = await zoetrope.VideoPipeline.fromPretrained(source, { device: 'wasm' });
    const size = { width: 32, height: 32, numFrames: 5, guidanceScale: 1 };
    const request = { ...size, prompt: 'a red ball', seed: 1, numInferenceSteps: 1 };
    const result = await pipeline.generate(request);
    const textOf = async (call: Promise<unknown>): Promise<string> => {
      try {
        await call;
        return 'fulfilled';
      } catch (error) {
        return zoetrope.describeUnknown(error);
      }
    };
    let disposal: Promise<void> | undefined;
    const run = pipeline.generate({
      ...request,
      numInferenceSteps: 40,
      onStepEnd: () => {
        disposal ??= pipeline.dispose();
      },
    });
    const ended = await textOf(run);
    // Its own callback waits for the end of the pipeline.
    await disposal;
    const groups = await result.frames();
    await result.dispose();
    return {
      ended,
      groups: groups.length,
      frames: await textOf(result.frames()),
      memory: await textOf(pipeline.memory()),
    };
  });
  expect(seen).toEqual({
    ended: expect.stringContaining('AbortError'),
    groups: 2,
    frames: 'This clip was disposed of.',
    memory: 'This pipeline was disposed of.',
  });
});

test('a callback that throws ends the run with what it threw', async ({ sharedPage, site }) => {
  await open(sharedPage, site);
  const message = await sharedPage.evaluate(async () => {
    const { zoetrope } = window;
    if (!zoetrope) throw new Error('The page exposes no engine.');
    const source = new URL('models/pocket', document.baseURI).href;
    const pipeline = await zoetrope.VideoPipeline.fromPretrained(source, { device: 'wasm' });
    const size = { width: 32, height: 32, numFrames: 1, guidanceScale: 1 };
    const run = pipeline.generate({
      ...size,
      prompt: 'a red ball',
      onStepEnd: () => {
        throw new Error('a mistake of the caller');
      },
    });
    const text = await run.then(
      () => 'fulfilled',
      (error: unknown) => String(error),
    );
    await pipeline.dispose();
    return text;
  });
  expect(message).toBe('Error: a mistake of the caller');
});
