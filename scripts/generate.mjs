/**
 * @file `npm run generate`: a clip from the command line. The built page is opened in a headless Chromium and driven,
 * so that what runs here is exactly what runs in a tab.
 */
import { resolve } from 'node:path';
import { findBrowser, launchOptions } from './browser.mjs';
import { DIST, ensureBuild } from './build.mjs';
import { bundledModels } from './bundled-models.mjs';
import { startFileServer } from './file-server.mjs';
import { UsageError } from './command-line.mjs';
import { parseCommandLine, USAGE } from './generate/arguments.mjs';
import { generateInPage, readEncodedFile } from './generate/in-page.mjs';
import { checkOutput, writeJson, writeOutput } from './generate/output.mjs';
import { Terminal } from './generate/terminal.mjs';
import { mapParts } from './model-arguments.mjs';
import { ensurePackages } from './packages.mjs';

/** @typedef {import('./generate/arguments.mjs').Request} Request */
/** @typedef {import('@playwright/test').Browser} Browser */
/** @typedef {import('@playwright/test').Page} Page */

const EXIT_FAILURE = 1;
const EXIT_USAGE = 2;
const EXIT_CANCELLED = 130;

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
 * @returns {Promise<number>} The exit code.
 */
async function drive(request, page, baseUrl) {
  await page.exposeFunction('reportProgress', terminal.show.bind(terminal));
  const { model, hub, parts, device, dtype, memory, generate, output } = request;
  const { container, scale, codec } = output;
  const source = model.url ?? `${baseUrl}models/${encodeURIComponent(model.name)}`;
  const answer = await page.evaluate(generateInPage, {
    source,
    // RAM is a cache of what is in storage.
    load: {
      ...partsFrom(parts, baseUrl),
      ...hub,
      device,
      dtype,
      memory,
      storage: memory !== 'auto' && memory.ramBytes !== undefined,
    },
    generate,
    encode: { container, scale, ...(codec === undefined ? {} : { codec }) },
  });
  if ('failure' in answer) return reportFailure(answer.failure);

  const { outcome } = answer;
  const bytes = await writeOutput(output, outcome.output.files, async (index) =>
    Buffer.from(await page.evaluate(readEncodedFile, index), 'base64'),
  );
  const { parameters, seconds, notices } = outcome;
  for (const { message } of notices) terminal.say(`Note: ${message}`);
  const { numFrames, width, height, seed } = parameters;
  terminal.say(
    `${output.path}: ${numFrames} frames of ${width} × ${height}, seed ${seed}, ` +
      `${(bytes / 1000).toFixed(1)} kB (${outcome.output.codec}), ` +
      `${seconds['total']?.toFixed(1)} s on ${parameters.device}, ` +
      `at most ${(outcome.memory.peakBytes / 1e6).toFixed(1)} MB`,
  );
  if (request.report !== undefined) {
    writeJson(resolve(request.report), {
      request: { ...generate, model: model.name, parts, device, dtype, scale, memory },
      parameters,
      device: outcome.device,
      notices,
      seconds,
      memory: outcome.memory,
      output: {
        path: output.path,
        bytes,
        frames: numFrames,
        codec: outcome.output.codec,
        container,
        width: width * scale,
        height: height * scale,
      },
    });
  }
  return 0;
}

/**
 * Where the server has the parts that are on this machine; all others are where they are.
 * @param {Request['parts']} parts
 * @param {string} baseUrl
 */
function partsFrom(parts, baseUrl) {
  return mapParts(parts, (place, name) =>
    typeof place === 'string' ? place : `${baseUrl}parts/${name}/${encodeURIComponent(place.file)}`,
  );
}

/** @param {Request['parts']} parts */
function servedParts(parts) {
  /** @type {{ prefix: string, root: string }[]} */
  const served = [];
  mapParts(parts, (place, name) => {
    if (typeof place !== 'string') served.push({ prefix: `/parts/${name}/`, root: place.folder });
  });
  return served;
}

/** @param {import('./generate/in-page.mjs').Failure} failure */
function reportFailure({ name, message, code, hint }) {
  if (name === 'AbortError') {
    terminal.say('Cancelled.');
    return EXIT_CANCELLED;
  }
  terminal.say(`${code ?? name}: ${message}`);
  if (hint) terminal.say(hint);
  return EXIT_FAILURE;
}

/** @param {Request} request */
async function run(request) {
  const browser = request.browser ?? findBrowser();
  if (browser === undefined) {
    terminal.say('No Chromium was found on this machine.');
    terminal.say('Install one (npx playwright install chromium), or give its path by --browser.');
    return EXIT_FAILURE;
  }
  if (!ensureBuild()) return EXIT_FAILURE;
  const { name, folder } = request.model;
  const server = await startFileServer([
    ...(folder === undefined ? [] : [{ prefix: `/models/${name}/`, root: folder }]),
    ...servedParts(request.parts),
    { prefix: '/', root: DIST },
  ]);
  /** @type {{ browser: Browser, page: Page } | undefined} */
  let opened;
  let isCancelled = false;
  let cancelledAt = 0;
  const cancel = () => {
    const now = performance.now();
    if (isCancelled) {
      // npm passes a Ctrl-C on that the terminal has sent here already: that is not a second one.
      if (now - cancelledAt > 1000) process.exit(EXIT_CANCELLED);
      return;
    }
    isCancelled = true;
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
    return isCancelled ? EXIT_CANCELLED : await drive(request, opened.page, server.url);
  } catch (error) {
    if (!isCancelled) throw error;
    terminal.say('Cancelled.');
    return EXIT_CANCELLED;
  } finally {
    await opened?.browser.close();
    await server.close();
  }
}

async function main() {
  ensurePackages();
  try {
    const request = parseCommandLine(process.argv.slice(2), bundledModels());
    if (request === 'help') {
      process.stdout.write(USAGE);
      return 0;
    }
    checkOutput(request.output);
    return await run(request);
  } catch (error) {
    if (error instanceof UsageError) {
      terminal.say(error.message);
      terminal.say(error.hint);
      return EXIT_USAGE;
    }
    terminal.say(error instanceof Error ? error.message : String(error));
    return EXIT_FAILURE;
  }
}

process.exitCode = await main();
