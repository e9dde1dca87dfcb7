/** @file Failures whose cause only a browser can tell: what keeps a server's files, and a page's own features, from it. */
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Page } from '@playwright/test';
import { launchOptions } from '../scripts/browser.mjs';
import { DIST } from '../scripts/build.mjs';
import { serveFolder } from '../scripts/file-handler.mjs';
import { expect, open, SMALL, test } from './app.ts';

/** Not taken for the machine itself, as `localhost` is. */
const OTHER_MACHINE = 'another-machine.test';

const { args, ...launch } = launchOptions('none');
test.use({
  launchOptions: {
    ...launch,
    args: [...args, `--host-resolver-rules=MAP ${OTHER_MACHINE} 127.0.0.1`],
  },
});

async function listen(handler: RequestListener): Promise<{ port: number; close(): Promise<void> }> {
  const server = createServer(handler);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    port,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** What inspecting a model fails with. */
function failure(page: Page, url: string): Promise<{ message: string; hint: string }> {
  return page.evaluate(async (model) => {
    try {
      await window.zoetrope?.inspectCheckpoint(model);
      return { message: 'none', hint: '' };
    } catch (error) {
      const { message, hint } = error as Error & { hint: string };
      return { message, hint };
    }
  }, url);
}

test('a server without CORS is not taken for one that does not answer, nor for no network', async ({
  sharedPage,
  site,
}) => {
  await open(sharedPage, site);
  const closed = await listen((_, response) => response.writeHead(200).end('{}'));
  const dead = await listen(() => undefined);
  await dead.close();
  const [noCors, silent] = await Promise.all(
    [closed, dead].map(({ port }) => failure(sharedPage, `http://127.0.0.1:${port}/model`)),
  );
  await closed.close();
  expect(noCors?.message).toContain('does not let other pages read its files (CORS)');
  expect(noCors?.hint).toContain('Access-Control-Allow-Origin');
  expect(silent?.message).toContain('could not be fetched: the server does not answer');
  expect(silent?.hint).toContain('whether the server is running');
  expect(silent?.hint).toContain('If the address opens in a browser tab');
  const context = sharedPage.context();
  await context.setOffline(true);
  const offline = await failure(sharedPage, 'http://no-such-host.invalid/model');
  await context.setOffline(false);
  expect(offline.message).toContain('this machine is offline');
});

test('a page from another machine by http:// says what it lacks, and makes pictures all the same', async ({
  browser,
}) => {
  const handler = serveFolder({ prefix: '/', root: DIST });
  const server = await listen(
    (request, response) => void handler(request, response, () => response.writeHead(404).end()),
  );
  const page = await browser.newPage();
  await open(
    page,
    { url: `http://${OTHER_MACHINE}:${server.port}/` },
    { ...SMALL, prompt: 'a red ball' },
  );
  const report = page.locator('#device-report');
  await expect(report).toContainText('opened by http:// from another machine');
  await expect(report).toContainText('http://localhost');
  const answer = await page.evaluate(async () => {
    const pipeline = await window.zoetrope?.VideoPipeline.fromPretrained('./models/pocket');
    const clip = { width: 32, height: 32, numFrames: 1, numInferenceSteps: 1, guidanceScale: 1 };
    const result = await pipeline?.generate({ prompt: 'a red ball', ...clip });
    const pictures = await result?.encode({ container: 'png' });
    const error = await result?.encode({ container: 'mp4' }).catch((reason: unknown) => reason);
    await pipeline?.dispose();
    return {
      files: pictures?.files.length,
      notices: result?.notices.map(({ code }) => code),
      message: String(error),
      hint: (error as { hint?: string }).hint,
    };
  });
  expect(answer).toMatchObject({
    files: 1,
    notices: ['no-webgpu', 'single-thread'],
    message: expect.stringContaining('keep video encoders from such pages'),
    hint: expect.stringContaining('http://localhost'),
  });
  await page.close();
  await server.close();
});
