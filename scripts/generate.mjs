/**
 * @file `npm run generate`: clips from the command line. The built page is opened in a headless Chromium and driven,
 * so that what runs here is exactly what runs in a tab.
 */
import { inspect } from 'node:util';
import { findBrowser, launchOptions } from './browser.mjs';
import { DIST, ensureBuild } from './build.mjs';
import { bundledModels } from './bundled-models.mjs';
import { startFileServer } from './file-server.mjs';
import { EXIT_CANCELLED, EXIT_FAILURE, EXIT_USAGE, UsageError } from './command-line.mjs';
import { USAGE } from './generate/arguments.mjs';
import { driveBatch } from './generate/drive-batch.mjs';
import { EngineFailure } from './generate/driven-page.mjs';
import { loadModel, namesOf, servedFolders } from './generate/model-in-page.mjs';
import { OutputError, writeJson } from './generate/output.mjs';
import { prepare } from './generate/prepare.mjs';
import { Terminal } from './generate/terminal.mjs';
import { ensurePackages } from './packages.mjs';
import { mapTexts } from './typed-names.mjs';

/** @typedef {import('./generate/arguments.mjs').Request} Request */
/** @typedef {import('./generate/batch.mjs').Clip} Clip */
/** @typedef {import('@playwright/test').Browser} Browser */
/** @typedef {import('@playwright/test').Page} Page */

/** How long a cancelled run may take to end. */
const PATIENCE_MS = 10_000;

const terminal = new Terminal();

/**
 * Opens the page. Where WebGPU is asked for and the machine has no GPU, Chromium's software adapter stands in.
 * @param {Request} request
 * @param {string} url
 */
async function openPage({ device, browser: executablePath, headed }, url) {
  const { chromium } = await import('@playwright/test');
  /** @param {import('./browser.mjs').Adapter} adapter */
  const open = async (adapter) => {
    const browser = await chromium.launch(launchOptions(adapter, { executablePath, headed }));
    // The page's own animations would take time from a CPU that is computing.
    const page = await browser.newPage({ reducedMotion: 'reduce' });
    await page.goto(url);
    await page.waitForFunction('window.zoetrope !== undefined');
    return { browser, page };
  };
  if (device === 'wasm') return open('none');
  const opened = await open('hardware');
  if (device === 'auto') return opened;
  const hasAdapter = await opened.page.evaluate(
    async () => (await navigator.gpu?.requestAdapter()) !== null,
  );
  if (hasAdapter) return opened;
  await opened.browser.close();
  terminal.say('No GPU was found: using Chromium’s software WebGPU adapter, which is slow.');
  return open('software');
}

/**
 * @param {Request} request
 * @param {Page} page
 * @param {string} baseUrl
 */
async function driveOne(request, page, baseUrl) {
  await page.exposeFunction('reportProgress', terminal.show.bind(terminal));
  const driven = await loadModel(request, page, baseUrl);
  const made = await driven.make(request.generate, request.output, request.force);
  const report = mapTexts(made, terminal.names);
  const { parameters, seconds, notices, memory, output } = report;
  for (const { message } of notices) terminal.say(`Note: ${message}`);
  const { numFrames, width, height, seed } = parameters;
  terminal.say(
    `${output.path}: ${numFrames} frames of ${width} × ${height}, seed ${seed}, ` +
      `${(output.bytes / 1000).toFixed(1)} kB (${output.codec}), ` +
      `${seconds.total.toFixed(1)} s on ${parameters.device}, ` +
      `at most ${(memory.peakBytes / 1e6).toFixed(1)} MB`,
  );
  if (output.path !== request.output.typed) {
    terminal.say(
      `Note: ${request.output.typed} was written by something else meanwhile, and is as it was.`,
    );
  }
  if (request.report !== undefined) await writeJson(request.report, report);
}

/**
 * @param {EngineFailure} failure
 * @param {Request} request
 */
function sayFailure({ name, message, code, hint }, { model }) {
  terminal.say(`${code ?? name}: ${message}`);
  if (hint) terminal.say(hint);
  // owner/name may have been meant as a path.
  if (message.startsWith('model:') && model.url === model.typed && !/^https?:/i.test(model.typed)) {
    terminal.say(`On this machine there is no folder ${model.typed} either.`);
  }
  return EXIT_FAILURE;
}

/**
 * @param {Request} request
 * @param {readonly Clip[] | undefined} clips Those of a batch.
 * @returns {Promise<number>} The exit code.
 */
async function run(request, clips) {
  const browser = request.browser ?? findBrowser();
  if (browser === undefined) {
    terminal.say('No Chromium was found on this machine.');
    terminal.say('Install one (npx playwright install chromium), or give its path by --browser.');
    return EXIT_FAILURE;
  }
  if (!ensureBuild()) return EXIT_FAILURE;
  const server = await startFileServer([...servedFolders(request), { prefix: '/', root: DIST }]);
  terminal.names = namesOf(request, server.url);
  /** @type {{ browser: Browser, page: Page } | undefined} */
  let opened;
  const cancellation = new AbortController();
  const { signal } = cancellation;
  let cancelledAt = 0;
  const cancel = () => {
    const now = performance.now();
    if (signal.aborted) {
      // npm passes a Ctrl-C on that the terminal has sent here already: that is not a second one.
      if (now - cancelledAt > 1000) process.exit(EXIT_CANCELLED);
      return;
    }
    cancellation.abort();
    cancelledAt = now;
    terminal.say('Cancelling … (again to stop at once)');
    // A run ends by itself once it is told to; a page that does not answer, or has no run yet, is closed.
    const close = () => void opened?.browser.close();
    const timer = setTimeout(close, PATIENCE_MS);
    timer.unref();
    const inPage = 'window.cancelGeneration ? (window.cancelGeneration(), true) : false';
    opened?.page.evaluate(inPage).then((didCancel) => didCancel || close(), close);
  };
  process.on('SIGINT', cancel);
  process.on('SIGTERM', cancel);
  try {
    opened = await openPage({ ...request, browser }, server.url);
    signal.throwIfAborted();
    if (clips)
      return await driveBatch(request, clips, opened.page, server.url, { signal, terminal });
    await driveOne(request, opened.page, server.url);
    return 0;
  } catch (error) {
    if (signal.aborted) {
      terminal.say(clips ? 'Cancelled. The same command goes on from here.' : 'Cancelled.');
      return EXIT_CANCELLED;
    }
    if (error instanceof EngineFailure) return sayFailure(error, request);
    throw error;
  } finally {
    await opened?.browser.close();
    await server.close();
  }
}

async function main() {
  try {
    const prepared = prepare(process.argv.slice(2), bundledModels());
    if (prepared === 'help') {
      process.stdout.write(USAGE);
      return 0;
    }
    const { request, clips, replaced } = prepared;
    for (const note of request.notes) terminal.say(note);
    const total = request.batch?.length ?? 0;
    const there = total - (clips?.length ?? 0);
    if (there > 0) terminal.say(`${there} of ${total} clips are there already.`);
    if (clips?.length === 0) return 0;
    for (const name of replaced)
      terminal.say(`Note: ${name} is there already and will be replaced.`);
    ensurePackages();
    return await run(
      { ...request, force: request.force || replaced.includes(request.output.typed) },
      clips,
    );
  } catch (error) {
    if (error instanceof UsageError) {
      terminal.say(error.message);
      terminal.say(error.hint);
      return EXIT_USAGE;
    }
    terminal.say(error instanceof Error ? error.message : inspect(error));
    if (error instanceof OutputError) terminal.say(error.hint);
    return EXIT_FAILURE;
  }
}

process.exitCode = await main();
