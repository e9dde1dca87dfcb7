/** @file The built page in a browser of its own, its Generate button pressed again and again: what somebody waits for. */
import { launchOptions } from '../scripts/browser.mjs';
import { DIST, ensureBuild } from '../scripts/build.mjs';
import { startFileServer } from '../scripts/file-server.mjs';

/**
 * @typedef {import('./context.ts').Clicked} Clicked
 * @typedef {import('./context.ts').Clicks} Clicks
 * @typedef {import('../scripts/browser.mjs').Adapter} Adapter
 */

/**
 * Presses Generate in the page with a prompt that it has not had, and waits for the clip. Playwright sends the
 * function's text, so it can use nothing from outside itself.
 * @param {string} prompt
 * @returns {Promise<Clicked>}
 */
function clickThrough(prompt) {
  /** @param {string} id */
  // oxlint-disable-next-line unicorn/consistent-function-scoping -- The page gets this function's text alone.
  const element = (id) => {
    const found = document.getElementById(id);
    if (!found) throw new Error(`The page has no #${id}.`);
    return found;
  };
  const field = /** @type {HTMLTextAreaElement} */ (element('prompt'));
  field.value = prompt;
  field.dispatchEvent(new Event('input', { bubbles: true }));
  return new Promise((resolve, reject) => {
    const startedAt = performance.now();
    const seconds = () => (performance.now() - startedAt) / 1000;
    /** @type {number | null} */
    let firstFrame = null;
    const look = () => {
      const error = element('error');
      if (!error.hidden) return reject(new Error(error.innerText));
      const isFinished = element('progress').hidden && !element('player').hidden;
      if (!element('preview').hidden || isFinished) firstFrame ??= seconds();
      if (isFinished) return resolve({ firstFrame: firstFrame ?? seconds(), finished: seconds() });
      return requestAnimationFrame(look);
    };
    element('generate').click();
    requestAnimationFrame(look);
  });
}

/**
 * @param {Clicks} clicks
 * @returns {Promise<Clicked[]>} The first with nothing loaded, the others with the model loaded.
 */
export async function clickThroughPage({ adapter, fields, prompts }) {
  if (!ensureBuild()) throw new Error('The page could not be built.');
  const { chromium } = await import('@playwright/test');
  const server = await startFileServer([{ prefix: '/', root: DIST }]);
  const browser = await chromium.launch(launchOptions(adapter));
  try {
    const page = await browser.newPage();
    await page.goto(`${server.url}?${new URLSearchParams(fields)}`);
    // The page has come to rest, as it has for somebody who reads it and types a prompt.
    await page.waitForFunction(
      () => document.getElementById('plan')?.getAttribute('aria-busy') === 'false',
    );
    /** @type {Clicked[]} */
    const seconds = [];
    for (const prompt of prompts) seconds.push(await page.evaluate(clickThrough, prompt));
    return seconds;
  } finally {
    await browser.close();
    await server.close();
  }
}
