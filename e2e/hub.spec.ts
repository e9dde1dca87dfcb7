/** @file Models from elsewhere: a hub of another origin and its CDN, a download that is paused, a folder of one's own. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Page } from '@playwright/test';
import { ROOT } from '../scripts/packages.mjs';
import { type HubServer, startHubServer } from '../src/testing/hub-server.ts';
import { folderFiles, servedBytes } from '../src/testing/hub-server-send.ts';
import { encodeSafetensors } from '../src/testing/safetensors-file.ts';
import { expect, expectClip, generate, open, SMALL, test } from './app.ts';

const COMMIT = 'e'.repeat(40);
const POCKET = join(ROOT, 'models/pocket');
const FORM = { ...SMALL, 'num-frames': '1', prompt: 'a red ball', device: 'wasm' };

let hub: HubServer;
let lora: Uint8Array<ArrayBuffer>;

/** One of a block's matrices, once more: large enough to be seen in a plan. */
async function largeLora(): Promise<Uint8Array<ArrayBuffer>> {
  const config = JSON.parse(
    await readFile(join(POCKET, 'transformer/config.json'), 'utf8'),
  ) as Record<'num_attention_heads' | 'attention_head_dim' | 'ffn_dim', number>;
  const shape = [config.ffn_dim, config.num_attention_heads * config.attention_head_dim];
  const data = new Uint8Array(4 * (shape[0] ?? 0) * (shape[1] ?? 0));
  const difference = { dtype: 'F32', shape, data };
  return encodeSafetensors(new Map([['diffusion_model.blocks.0.ffn.0.diff', difference]]));
}

/** The hub under its own name, answered by the one of this machine. */
async function standIn(page: Page): Promise<void> {
  await page.route('https://huggingface.co/**', async (route) => {
    const { pathname, search } = new URL(route.request().url());
    const response = await route.fetch({ url: hub.url + pathname + search });
    await route.fulfill({ response });
  });
}

async function megabytesToFetch(page: Page): Promise<number> {
  const facts = page.locator('#plan-facts');
  await expect(facts).toContainText('Fetches', { timeout: 60_000 });
  return Number(/Fetches ([\d.]+) MB/.exec((await facts.textContent()) ?? '')?.[1]);
}

test.beforeAll(async () => {
  const commits = { [COMMIT]: await folderFiles(POCKET) };
  const revisions = { main: COMMIT };
  lora = await largeLora();
  const addition = new Map([['x.safetensors', servedBytes(lora, 'x.safetensors')]]);
  const taehv = await folderFiles(join(ROOT, 'models/parity/fixtures/taehv-21'));
  hub = await startHubServer([
    { name: 'someone/pocket', commits, revisions },
    { name: 'someone/lora', commits: { [COMMIT]: addition }, revisions },
    { name: 'someone/taehv', commits: { [COMMIT]: taehv }, revisions },
    { name: 'someone/gated', commits, revisions, gatedTo: ['hf_friend'] },
  ]);
});

test.beforeEach(() => {
  hub.fault = () => undefined;
  hub.requests.length = 0;
});

test.afterAll(() => hub.close());

test('a gated repository is fetched across origins, and its CDN never sees the token', async ({
  browser,
  site,
}) => {
  const page = await browser.newPage();
  await open(page, site, FORM);
  const load = (token?: string): Promise<unknown> =>
    page.evaluate(
      async ([hubUrl, token]) => {
        try {
          const options = { hubUrl, device: 'wasm', ...(token ? { token } : {}) } as const;
          const pipeline = await window.zoetrope?.VideoPipeline.fromPretrained(
            'someone/gated',
            options,
          );
          if (!pipeline) throw new Error('The page exposes no engine.');
          const { checkpoint } = pipeline;
          await pipeline.dispose();
          return checkpoint;
        } catch (error) {
          const { code, message, hint } = error as { code: string; message: string; hint: string };
          return { code, message, hint };
        }
      },
      [hub.url, token] as const,
    );
  expect(await load()).toMatchObject({
    code: 'invalid-argument',
    message: expect.stringContaining('gated'),
    hint: expect.stringContaining('Accept the licence'),
  });
  expect(await load('hf_friend')).toMatchObject({ source: 'someone/gated' });

  const asked = hub.requests.filter(({ method }) => method === 'GET');
  const fromCdn = asked.filter(({ server }) => server === 'cdn');
  expect(fromCdn.length).toBeGreaterThan(5);
  expect(fromCdn.every(({ authorization }) => authorization === undefined)).toBe(true);
  expect(fromCdn.every(({ range }) => range !== undefined)).toBe(true);
  expect(asked.at(-1)?.origin).toBeDefined();
  await page.close();
});

test('a download is paused and goes on where it stopped', async ({ browser, site }) => {
  const page = await browser.newPage();
  hub.fault = ({ server }) => (server === 'cdn' ? { bytesPerSecond: 1.5e6 } : undefined);
  const model = `${hub.url}/someone/pocket/resolve/main`;
  await open(page, site, { ...FORM, model, storage: '' });
  // Another machine is asked what the model is before it is asked for weights.
  await page.getByRole('button', { name: 'Generate' }).click();
  await expect(page.locator('#plan-facts')).toContainText(/Fetches 10\.\d MB/, { timeout: 60_000 });
  await page.getByRole('button', { name: 'Generate' }).click();
  await expect(page.locator('#progress-stage')).toContainText(/MB of 10\.\d MB, .* a second/);
  await expect(page.locator('#progress-eta')).toContainText('left');
  await page.getByRole('button', { name: 'Pause the download' }).press('Enter');
  await expect(page.locator('#paused')).toContainText(/MB of 10\.\d MB left/);
  const resume = page.getByRole('button', { name: 'Resume the download' });
  await expect(resume).toBeFocused();
  await expect(page.locator('#error')).toBeHidden();

  hub.fault = () => undefined;
  await resume.press('Enter');
  await expect(page.locator('#paused')).toBeHidden();
  await expectClip(page);
  await expect(page.locator('#stored-models > li')).toHaveCount(1);
  await page.close();
});

test(
  'a model of the hub says that a file was only read in part, until it is verified',
  { tag: '@heavy' },
  async ({ browser, site }) => {
    const page = await browser.newPage();
    await standIn(page);
    await open(page, site, { ...FORM, model: 'someone/pocket', storage: '' });
    await page.getByRole('button', { name: 'Check now' }).click();
    await expect(page.locator('#plan-facts')).toContainText('Fetches', { timeout: 60_000 });
    await generate(page);
    const model = page.locator('#stored-models > li');
    await expect(model).toContainText('read in part');
    await expect(model).toContainText('Of 1 of its 3 files only ranges were read');

    // Slow, so that there is something to cancel.
    hub.fault = ({ server }) => (server === 'cdn' ? { bytesPerSecond: 1e6 } : undefined);
    const verify = page.getByRole('button', { name: 'Verify pocket' });
    await verify.press('Enter');
    await expect(page.getByRole('progressbar', { name: /^Verifying pocket/ })).toBeVisible();
    await expect(page.getByRole('button', { name: 'Cancel verifying pocket' })).toBeFocused();
    await page.keyboard.press('Escape');
    await expect(page.locator('#stored-status')).toContainText('was not verified: you cancelled');
    await expect(verify).toBeFocused();
    await expect(model).toContainText('read in part');

    hub.fault = ({ server }) => (server === 'cdn' ? { status: 404 } : undefined);
    await page.keyboard.press('Enter');
    await expect(page.locator('#stored-status')).toContainText(/^pocket .* was not verified: /);

    hub.fault = () => undefined;
    await page.keyboard.press('Enter');
    await expect(page.locator('#stored-status')).toContainText(
      'verified. Every file has the SHA-256',
    );
    await expect(model).toContainText('Every file was read whole and has the SHA-256');
    await page.close();
  },
);

test('a folder of this machine is a model, kept and used like any other', async ({
  browser,
  site,
}) => {
  const page = await browser.newPage();
  await open(page, site, { ...FORM, storage: '' });
  const requests: string[] = [];
  page.on('request', (request) => requests.push(request.url()));
  await page.locator('#folder').setInputFiles(POCKET);
  await expect(page.locator('#model-title')).toHaveText('folder:pocket');
  await expect(page.locator('#plan-facts')).toContainText(/Fetches 10\.\d MB/);
  await generate(page);
  expect(requests.filter((url) => url.endsWith('.safetensors'))).toEqual([]);
  await expect(page.locator('#stored-models > li')).toContainText('from a folder of this machine');

  // A page that is opened anew has no right to the folder any more, and says so.
  await open(page, site, { ...FORM, model: 'folder:pocket' });
  await expect(page.locator('#error')).toContainText('choose it again');
  await page.close();
});

test('parts from elsewhere are counted before anything is loaded, and asked for after Check only', async ({
  browser,
  site,
}) => {
  const page = await browser.newPage();
  await standIn(page);
  const model = 'someone/pocket';
  await open(page, site, { ...FORM, model });
  await expect(page.locator('#plan-reason')).toContainText('headers from huggingface.co');
  await page.getByRole('button', { name: 'Check now' }).click();
  const without = await megabytesToFetch(page);
  hub.requests.length = 0;

  const decoder = `${hub.url}/someone/taehv/resolve/main/taew2_1.safetensors`;
  const parts = { lora: 'someone/lora/x.safetensors:0.5', 'fast-decoder': decoder };
  await open(page, site, { ...FORM, model, ...parts });
  await expect(page.locator('#plan-reason')).toContainText(new URL(hub.url).host);
  // Whatever else is changed: no machine is asked.
  await page.locator('#num-frames').fill('5');
  await expect(page.locator('#plan')).toHaveAttribute('aria-busy', 'false');
  expect(hub.requests).toEqual([]);
  await page.getByRole('button', { name: 'Check now' }).click();
  const together = await megabytesToFetch(page);
  await expect(page.locator('#download-report')).toContainText('fast decoder');
  expect(together - without).toBeGreaterThan(lora.byteLength / 1e6 - 0.1);
  const weights = hub.requests.filter(({ range }) => {
    const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(range ?? '') ?? [];
    return Number(last) - Number(first) > 200_000;
  });
  expect(weights).toEqual([]);
  await page.close();
});

test('a model of the hub is known as stored after a reload', async ({ browser, site }) => {
  const page = await browser.newPage();
  await standIn(page);
  const form = { ...FORM, model: 'someone/pocket', revision: 'main', storage: '' };
  const merged = { ...form, lora: 'someone/lora/x.safetensors:0.5' };
  const facts = page.locator('#plan-facts');
  await open(page, site, merged);
  await page.getByRole('button', { name: 'Check now' }).click();
  const all = await megabytesToFetch(page);
  await generate(page);
  await expect(facts).toContainText('Nothing to fetch');

  await open(page, site, merged);
  await expect(page.locator('#stored-models > li')).toContainText('from someone/pocket on the hub');
  await page.getByRole('button', { name: 'Check now' }).click();
  await expect(facts).toContainText('Nothing to fetch', { timeout: 60_000 });
  // Without the LoRA it is another transformer, and only that.
  await open(page, site, form);
  await page.getByRole('button', { name: 'Check now' }).click();
  const left = await megabytesToFetch(page);
  await expect(facts).toContainText('and has the rest');
  expect(left).toBeLessThan(all);
  await page.close();
});

test('a folder that is dropped on the page is a model', async ({ browser, site }) => {
  const page = await browser.newPage();
  await open(page, site, FORM);
  // A DataTransfer of a script has no folders in it: the browser's own drag is asked for.
  const input = await page.context().newCDPSession(page);
  const data = { items: [], files: [POCKET], dragOperationsMask: 1 };
  for (const type of ['dragEnter', 'dragOver', 'drop'] as const) {
    await input.send('Input.dispatchDragEvent', { type, x: 100, y: 100, data });
  }
  await expect(page.locator('#model-title')).toHaveText('folder:pocket');
  await expect(page.locator('#plan-facts')).toContainText(/Fetches [\d.]+ MB/);
  await generate(page);
  await page.close();
});
