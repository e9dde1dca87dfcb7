/** @file Workers that hang, or end early: what takes too long for every run of the tests. */
import { expect, generate, open, test } from '../app.ts';
import { endWorker, expectLostOnce, FIELDS, workerOf } from '../worker-ends.ts';

test('a worker that ends while a model is loaded fails the load, and not the next', async ({
  sharedPage,
  site,
}) => {
  await open(sharedPage, site, FIELDS);
  // Requests without an answer: the load waits for them.
  await sharedPage.route('**/*.safetensors', () => undefined);
  const fetching = sharedPage.waitForRequest('**/*.safetensors');
  await sharedPage.getByRole('button', { name: 'Generate' }).click();
  await fetching;
  await endWorker(sharedPage, 'ends itself');
  await expectLostOnce(sharedPage);
  await sharedPage.unroute('**/*.safetensors');
  await generate(sharedPage);
});

test('a worker in an endless loop is ended by Cancel, and the next clip loads the model again', async ({
  sharedPage,
  site,
}) => {
  await open(sharedPage, site, { ...FIELDS, 'num-inference-steps': '40' });
  await sharedPage.getByRole('button', { name: 'Generate' }).click();
  await expect(sharedPage.locator('#progress-stage')).toContainText('Denoising');
  const worker = workerOf(sharedPage);
  await worker.evaluate(() => {
    setTimeout(() => {
      for (;;);
    });
  });
  const closed = worker.waitForEvent('close');
  await sharedPage.keyboard.press('Escape');
  await expect(sharedPage.locator('#progress-stage')).toHaveText('Cancelling …');
  await closed;
  await expect(sharedPage.locator('#status')).toHaveText('Cancelled.');
  await expect(sharedPage.locator('#error')).toBeHidden();
  await expect(sharedPage.locator('#notices')).toContainText('did not answer');
  await sharedPage.locator('#num-inference-steps').fill('2');
  await generate(sharedPage);
});
