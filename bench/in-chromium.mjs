/** @file Runs benchmarks in a worker of a page in Chromium, on the machine's adapter or Chromium's software one. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findBrowser, launchOptions } from '../scripts/browser.mjs';
import { ROOT } from '../scripts/packages.mjs';
import { processBytes } from './process-bytes.mjs';

/**
 * @typedef {import('./context.ts').Host} Host
 * @typedef {import('./run-benchmark.ts').Settings} Settings
 * @typedef {import('./in-node.mjs').RunOne} RunOne
 * @typedef {import('../scripts/browser.mjs').Adapter} Adapter
 */

export function hasChromium() {
  return findBrowser() !== undefined;
}

async function servePages() {
  const { createServer } = await import('vite');
  const server = await createServer({
    root: ROOT,
    logLevel: 'error',
    // A cache of its own: a development server that runs beside this one would rewrite it.
    cacheDir: 'node_modules/.vite-bench',
    // A file saved meanwhile must not reload the page in the middle of a measurement.
    server: { host: '127.0.0.1', ws: false, hmr: false, watch: null },
  });
  await server.listen();
  const [url = ''] = server.resolvedUrls?.local ?? [];
  return { url: new URL('bench/page.html', url).href, close: () => server.close() };
}

/**
 * @param {Adapter} adapter
 * @param {string} url
 * @param {{ host: Host, log: (text: string) => void }} hooks
 */
async function openPage(adapter, url, { host, log }) {
  const { chromium } = await import('@playwright/test');
  // A profile on disk: what a private one stores stays in memory, and that is what is measured.
  const profile = await mkdtemp(join(tmpdir(), 'zoetrope-bench-'));
  const context = await chromium.launchPersistentContext(profile, launchOptions(adapter));
  const close = async () => {
    await context.close();
    await rm(profile, { recursive: true, force: true, maxRetries: 5 });
  };
  const page = await context.newPage();
  page.on('pageerror', (error) => log(String(error)));
  await page.exposeFunction('benchLog', log);
  await page.exposeFunction('benchProcessBytes', () => processBytes(context.browser()));
  await page.exposeFunction(
    'benchServeMadeUp',
    /** @param {number} [bytesPerSecond] */
    (bytesPerSecond) => host.serveMadeUp(bytesPerSecond ?? undefined),
  );
  await page.exposeFunction(
    'benchClickThrough',
    /** @param {import('./context.ts').Clicks} clicks */
    (clicks) => host.clickThrough(clicks),
  );
  await page.goto(url);
  await page.waitForFunction('globalThis.bench !== undefined', undefined, { timeout: 120_000 });
  return { page, close };
}

/**
 * @param {Settings['device']} device
 * @param {string} url
 * @param {{ host: Host, log: (text: string) => void }} hooks
 */
async function openBest(device, url, hooks) {
  if (device === 'wasm') return openPage('none', url, hooks);
  const opened = await openPage('hardware', url, hooks);
  const hasAdapter = await opened.page.evaluate(
    async () => ((await navigator.gpu?.requestAdapter()) ?? null) !== null,
  );
  if (hasAdapter) return opened;
  await opened.close();
  return openPage('software', url, hooks);
}

/**
 * @param {Omit<Settings, 'place'>} settings
 * @param {{ host: Host, log: (text: string) => void }} hooks
 * @param {(runOne: RunOne) => Promise<void>} use
 */
export async function withChromium(settings, hooks, use) {
  const server = await servePages();
  try {
    const { page, close } = await openBest(settings.device, server.url, hooks);
    try {
      await use((name) =>
        page.evaluate(
          ([name, settings]) => {
            if (!globalThis.bench) throw new Error('The page is not ready.');
            return globalThis.bench.run(name, settings);
          },
          /** @type {const} */ ([name, { ...settings, place: 'chromium' }]),
        ),
      );
    } finally {
      await close();
    }
  } finally {
    await server.close();
  }
}
