/** @file A model at a signed address with a password in it: the page uses it, and passes on neither. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Page } from '@playwright/test';
import { ROOT } from '../scripts/packages.mjs';
import { folderFiles, servedBytes } from '../src/testing/hub-server-send.ts';
import { encodeSafetensors, floats } from '../src/testing/safetensors-file.ts';
import { type SignedServer, startSignedServer } from '../src/testing/signed-server.ts';
import { expect, generate, open, SMALL, test } from './app.ts';

const TOKEN = `hf_${'S3cretToken'.repeat(3)}`;

let server: SignedServer;

test.beforeAll(async () => {
  const difference = floats(...Array.from({ length: 192 }, (_, i) => Math.sin(i)));
  const lora = encodeSafetensors(new Map([['diffusion_model.blocks.0.norm3.diff', difference]]));
  const files = [...(await folderFiles(join(ROOT, 'models/pocket')))];
  server = await startSignedServer(
    new Map([
      ...files.map(([path, file]) => [`pocket/${path}`, file] as const),
      ['x.safetensors', servedBytes(lora, 'x.safetensors')],
    ]),
  );
});

test.afterAll(() => server.close());

/** Everything that the page shows or keeps, but for what its fields hold. */
async function shownAndKept(page: Page): Promise<string> {
  return page.evaluate(async () => {
    const kept: unknown[] = [];
    for (const { name = '' } of await indexedDB.databases()) {
      const database = await new Promise<IDBDatabase>((resolve, reject) => {
        const opening = indexedDB.open(name);
        opening.addEventListener('success', () => resolve(opening.result));
        opening.addEventListener('error', () => reject(opening.error ?? new Error(name)));
      });
      for (const store of database.objectStoreNames) {
        const read = database.transaction(store).objectStore(store);
        for (const asking of [read.getAllKeys(), read.getAll()]) {
          kept.push(
            await new Promise((resolve) => {
              asking.addEventListener('success', () => resolve(asking.result));
            }),
          );
        }
      }
      database.close();
    }
    const text = JSON.stringify([
      kept,
      Object.entries(localStorage),
      Object.entries(sessionStorage),
    ]);
    return [document.documentElement.outerHTML, location.href, document.title, text].join('\n');
  });
}

test('links, files, messages and what is kept have no secret of an address', async ({
  browser,
  site,
}) => {
  const context = await browser.newContext({ acceptDownloads: true });
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  const page = await context.newPage();
  const left: string[] = [];
  page.on('console', (message) => left.push(message.text()));
  page.on('pageerror', ({ message, stack }) => left.push(message, stack ?? ''));
  const lora = `${server.address('x.safetensors')}:0.5`;
  const form = { ...SMALL, 'num-frames': '1', prompt: 'a ball', device: 'wasm', storage: '' };
  await open(page, site, { ...form, model: server.address('pocket'), lora });
  await expect(page.locator('#plan-reason')).toContainText('headers from 127.0.0.1');
  await page.getByRole('button', { name: 'Check now' }).click();
  await expect(page.locator('#plan-facts')).toContainText('Fetches', { timeout: 60_000 });
  await generate(page);
  left.push(await shownAndKept(page));

  for (const container of ['mp4', 'gif']) {
    const download = page.waitForEvent('download');
    await page.locator(`button[data-container="${container}"]`).click();
    const file = await readFile(await (await download).path());
    expect(file.toString('latin1')).toContain('a ball');
    left.push((await download).suggestedFilename(), file.toString('latin1'));
  }
  for (const [name, said] of [
    ['Copy link', 'Link copied'],
    ['Copy parameters', 'Parameters copied'],
  ] as const) {
    await page.getByRole('button', { name }).click();
    await expect(page.locator('#save-status')).toContainText(said);
    left.push(await page.evaluate(() => navigator.clipboard.readText()));
  }
  const link = left.at(-2) ?? '';
  expect(new URL(link).searchParams.get('model')).toBe(server.plain('pocket'));
  expect(new URL(link).searchParams.get('lora')).toBe(`${server.plain('x.safetensors')}:0.5`);

  // The signature expires while the page is open.
  server.rotate();
  await page.locator('#check-model').evaluate((button) => (button as HTMLButtonElement).click());
  await expect(page.locator('#error')).toContainText('403');
  left.push(await shownAndKept(page));
  for (const secret of [...server.secrets, ...server.secrets.map(encodeURIComponent)]) {
    for (const text of left) expect(text.includes(secret), secret).toBe(false);
  }
  await context.close();
});

test(
  'an address fills in no token, ticks no box of it and keeps none',
  { tag: '@heavy' },
  async ({ browser, site }) => {
    const page = await browser.newPage();
    for (const name of ['remember-token', 'token', 'folder', 'use-fast-decoder', 'model-other']) {
      for (const value of ['', '1', TOKEN]) {
        await open(page, site, { ...SMALL, [name]: value, prompt: 'a ball' });
        await expect(page.locator('#prompt')).toHaveValue('a ball');
        await expect(page.locator('#remember-token')).not.toBeChecked();
        await expect(page.locator('#token')).toHaveValue('');
        expect(await page.evaluate(() => localStorage.length)).toBe(0);
      }
    }
    await open(page, site, { token: TOKEN, model: server.address('pocket'), prompt: 'a ball' });
    await expect(page.locator('#model')).toHaveValue(server.address('pocket'));
    await expect(page).toHaveURL((url) =>
      [...server.secrets, TOKEN].every((secret) => !url.href.includes(secret)),
    );
    await expect(page.locator('#model-title')).toHaveText(`${server.plain('pocket')}?…`);

    // What is typed and remembered stays out of an address that is made of the form.
    await page.locator('#token').evaluate((field, value) => {
      if (field instanceof HTMLInputElement) field.value = value;
    }, TOKEN);
    await page.locator('#remember-token').evaluate((box) => {
      if (box instanceof HTMLInputElement) box.click();
    });
    expect(await page.evaluate(() => localStorage.getItem('hub-token'))).toBe(TOKEN);
    await open(page, site, { ...SMALL, 'remember-token': '', prompt: 'a ball' });
    await expect(page.locator('#remember-token')).toBeChecked();
    expect(page.url()).not.toContain(TOKEN);
    await page.close();
  },
);
