/** @file Ends the worker of a page, from within the worker, and says what the page is to show then. */
import type { Page, Worker } from '@playwright/test';
import { expect, SMALL } from './app.ts';

/** The form's fields in tests of workers that end. */
export const FIELDS = { ...SMALL, prompt: 'a red ball', seed: '3', device: 'wasm' };

/** What goes on in the worker itself. */
const ENDS = {
  'ends itself': () => self.close(),
  'has an uncaught error': () => {
    setTimeout(() => {
      throw new Error('a bug in the worker');
    });
  },
} as const;

export function workerOf(page: Page): Worker {
  const worker = page.workers().find((each) => each.url().includes('worker'));
  if (!worker) throw new Error('The page has no worker.');
  return worker;
}

export async function endWorker(page: Page, way: keyof typeof ENDS): Promise<void> {
  const worker = workerOf(page);
  const closed = worker.waitForEvent('close');
  // A worker that ends may not answer.
  worker.evaluate(ENDS[way]).catch(() => undefined);
  await closed;
}

export async function expectLostOnce(page: Page): Promise<void> {
  const alert = page.getByRole('alert');
  await expect(alert).toContainText('worker-lost');
  await expect(alert.getByText('worker-lost')).toHaveCount(1);
  await expect(page.locator('#status')).toHaveText('');
  await expect(page.getByRole('button', { name: 'Generate' })).toBeEnabled();
}
