/**
 * @file `npm run generate`: clips from the command line. The built page is opened in a headless Chromium and driven,
 * so that what runs here is exactly what runs in a tab.
 */
import { resolve } from 'node:path';
import { inspect } from 'node:util';
import { findBrowser, launchOptions } from './browser.mjs';
import { DIST, ensureBuild } from './build.mjs';
import { bundledModels } from './bundled-models.mjs';
import { startFileServer } from './file-server.mjs';
import { EXIT_CANCELLED, EXIT_FAILURE, EXIT_USAGE, UsageError } from './command-line.mjs';
import { parseCommandLine, USAGE } from './generate/arguments.mjs';
import { BatchProgress, clipsToMake, makeClips } from './generate/batch.mjs';
import { DrivenPage, EngineFailure, orThrow } from './generate/driven-page.mjs';
import { loadInPage } from './generate/in-page.mjs';
import { checkOutput, writeJson } from './generate/output.mjs';
import { Terminal } from './generate/terminal.mjs';
import { mapParts } from './model-arguments.mjs';
import { isFileOrItsConfiguration, isModelFile } from './model-files.mjs';
import { ensurePackages } from './packages.mjs';

/** @typedef {import('./generate/arguments.mjs').Request} Request */
/** @typedef {import('./generate/batch.mjs').Clip} Clip */
/** @typedef {import('./generate/driven-page.mjs').Report} Report */
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
async function loadModel(request, page, baseUrl) {
  const { model, hub, parts, device, dtype, memory, generate } = request;
  const answer = await page.evaluate(loadInPage, {
    source: model.url ?? `${baseUrl}models/${encodeURIComponent(model.name)}`,
    // RAM is a cache of what is in storage.
    load: {
      ...partsFrom(parts, baseUrl),
      ...hub,
      device,
      dtype,
      memory,
      storage: memory !== 'auto' && memory.ramBytes !== undefined,
      clip: generate,
    },
  });
  return new DrivenPage(page, request, orThrow(answer).seconds);
}

/**
 * @param {Request} request
 * @param {Page} page
 * @param {string} baseUrl
 */
async function driveOne(request, page, baseUrl) {
  await page.exposeFunction('reportProgress', terminal.show.bind(terminal));
  const driven = await loadModel(request, page, baseUrl);
  const report = await driven.make(request.generate, request.output);
  const { parameters, seconds, notices, memory, output } = report;
  for (const { message } of notices) terminal.say(`Note: ${message}`);
  const { numFrames, width, height, seed } = parameters;
  terminal.say(
    `${output.path}: ${numFrames} frames of ${width} × ${height}, seed ${seed}, ` +
      `${(output.bytes / 1000).toFixed(1)} kB (${output.codec}), ` +
      `${seconds.total.toFixed(1)} s on ${parameters.device}, ` +
      `at most ${(memory.peakBytes / 1e6).toFixed(1)} MB`,
  );
  if (request.report !== undefined) writeJson(resolve(request.report), report);
}

/**
 * @param {Request} request
 * @param {readonly Clip[]} clips Those to make.
 * @param {Page} page
 * @param {string} baseUrl
 * @param {AbortSignal} signal
 */
async function driveBatch(request, clips, page, baseUrl, signal) {
  const progress = new BatchProgress(clips.length);
  let isLoaded = false;
  /** @param {import('./generate/terminal.mjs').Step} step */
  const show = (step) =>
    terminal.show(isLoaded ? progress.over(step) : { ...step, fraction: undefined });
  await page.exposeFunction('reportProgress', show);
  const driven = await loadModel(request, page, baseUrl);
  isLoaded = true;
  /** @type {Set<string>} */
  const said = new Set();
  /** @type {Report[]} */
  const reports = [];
  await makeClips(clips, request, {
    signal,
    make({ generate, output }) {
      progress.begin(reports.length);
      return driven.make(generate, output);
    },
    done({ output }, report) {
      reports.push(report);
      for (const { message } of report.notices) {
        if (!said.has(message)) terminal.say(`Note: ${message}`);
        said.add(message);
      }
      const { prompt, seed } = report.parameters;
      terminal.say(`${output.path}: seed ${seed}, ${report.seconds.total.toFixed(1)} s, ${prompt}`);
    },
  });
  if (request.report !== undefined) writeJson(resolve(request.report), reports);
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
  /** @type {import('./file-handler.mjs').FolderOptions[]} */
  const served = [];
  mapParts(parts, (place, name) => {
    if (typeof place === 'string') return;
    const allows = place.file === '' ? isModelFile : isFileOrItsConfiguration(place.file);
    served.push({ prefix: `/parts/${name}/`, root: place.folder, allows });
  });
  return served;
}

/** @param {EngineFailure} failure */
function sayFailure({ name, message, code, hint }) {
  terminal.say(`${code ?? name}: ${message}`);
  if (hint) terminal.say(hint);
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
  const { name, folder } = request.model;
  const server = await startFileServer([
    ...(folder === undefined
      ? []
      : [{ prefix: `/models/${name}/`, root: folder, allows: isModelFile }]),
    ...servedParts(request.parts),
    { prefix: '/', root: DIST },
  ]);
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
    await (clips
      ? driveBatch(request, clips, opened.page, server.url, signal)
      : driveOne(request, opened.page, server.url));
    return 0;
  } catch (error) {
    if (signal.aborted) {
      terminal.say(clips ? 'Cancelled. The same command goes on from here.' : 'Cancelled.');
      return EXIT_CANCELLED;
    }
    if (error instanceof EngineFailure) return sayFailure(error);
    throw error;
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
    if (!request.batch) {
      checkOutput(request.output);
      return await run(request, undefined);
    }
    const clips = clipsToMake(request.batch, request);
    const there = request.batch.length - clips.length;
    if (there > 0) terminal.say(`${there} of ${request.batch.length} clips are there already.`);
    return clips.length === 0 ? 0 : await run(request, clips);
  } catch (error) {
    if (error instanceof UsageError) {
      terminal.say(error.message);
      terminal.say(error.hint);
      return EXIT_USAGE;
    }
    terminal.say(error instanceof Error ? error.message : inspect(error));
    return EXIT_FAILURE;
  }
}

process.exitCode = await main();
