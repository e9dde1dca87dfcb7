/** @file Models from elsewhere: a hub of another origin and its CDN, a download that is paused, a folder of one's own. */
import { join } from 'node:path';
import { ROOT } from '../scripts/packages.mjs';
import { type HubServer, startHubServer } from '../src/testing/hub-server.ts';
import { folderFiles } from '../src/testing/hub-server-send.ts';
import { expect, expectClip, generate, open, SMALL, test } from './app.ts';

const COMMIT = 'e'.repeat(40);
const POCKET = join(ROOT, 'models/pocket');
const FORM = { ...SMALL, 'num-frames': '1', prompt: 'a red circle', device: 'wasm' };

let hub: HubServer;

test.beforeAll(async () => {
  const commits = { [COMMIT]: await folderFiles(POCKET) };
  const revisions = { main: COMMIT };
  hub = await startHubServer([
    { name: 'someone/pocket', commits, revisions },
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
  await expect(page.locator('#plan-facts')).toContainText('Fetches 10.5 MB', { timeout: 60_000 });
  await page.getByRole('button', { name: 'Generate' }).click();
  await expect(page.locator('#progress-stage')).toContainText(/MB of 10\.5 MB, .* a second/);
  await expect(page.locator('#progress-eta')).toContainText('left');
  await page.getByRole('button', { name: 'Pause the download' }).press('Enter');
  await expect(page.locator('#paused')).toContainText(/MB of 10\.5 MB left/);
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
  await expect(page.locator('#plan-facts')).toContainText('Fetches 10.5 MB');
  await generate(page);
  expect(requests.filter((url) => url.endsWith('.safetensors'))).toEqual([]);
  await expect(page.locator('#stored-models > li')).toContainText('from a folder of this machine');

  // A page that is opened anew has no right to the folder any more, and says so.
  await open(page, site, { ...FORM, model: 'folder:pocket' });
  await expect(page.locator('#error')).toContainText('choose it again');
  await page.close();
});
