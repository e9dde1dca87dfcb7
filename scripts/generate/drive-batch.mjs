/** @file Drives the page through a batch. */
import { EXIT_FAILURE } from '../command-line.mjs';
import { mapTexts, withTypedNames } from '../typed-names.mjs';
import { earlierReports, mergeReports } from './batch.mjs';
import { BatchProgress } from './batch-progress.mjs';
import { EngineFailure, orThrow } from './driven-page.mjs';
import { checkInPage } from './in-page.mjs';
import { makeClips, summaryOf } from './make-clips.mjs';
import { loadModel, modelInPage } from './model-in-page.mjs';
import { writeJson } from './output.mjs';

/** @typedef {import('./arguments.mjs').Request} Request */
/** @typedef {import('./batch.mjs').Clip} Clip */
/** @typedef {import('./terminal.mjs').Terminal} Terminal */
/** @typedef {import('@playwright/test').Page} Page */

/**
 * @param {Request} request
 * @param {readonly Clip[]} clips Those to make.
 * @param {Page} page
 * @param {string} baseUrl
 * @param {{ signal: AbortSignal, terminal: Terminal }} by
 * @returns {Promise<number>} The exit code.
 */
export async function driveBatch(request, clips, page, baseUrl, { signal, terminal }) {
  const progress = new BatchProgress(clips.length);
  let isLoaded = false;
  /** @param {import('./terminal.mjs').Step} step */
  const show = (step) =>
    terminal.show(isLoaded ? progress.over(step) : { ...step, fraction: undefined });
  await page.exposeFunction('reportProgress', show);
  const startedAt = performance.now();
  const possible = await possibleClips(request, clips, page, baseUrl);
  // Loading plans for a clip, and refuses a model that cannot make it.
  const [{ generate } = request] = possible;
  const load = () => loadModel({ ...request, generate }, page, baseUrl);
  let driven = await load();
  isLoaded = true;
  /** @type {Set<string>} */
  const said = new Set();
  /** @type {import('./make-clips.mjs').BatchEntry[]} */
  const entries = [];
  let isLost = false;
  try {
    await makeClips(clips, request, {
      signal,
      entries,
      async make({ generate, output, replaces }) {
        progress.begin(entries.length);
        if (isLost) driven = await withTypedNames(terminal.names, load);
        isLost = false;
        return withTypedNames(terminal.names, async () =>
          mapTexts(await driven.make(generate, output, replaces), terminal.names),
        );
      },
      done({ output }, report) {
        for (const { message } of report.notices) {
          if (!said.has(message)) terminal.say(`Note: ${message}`);
          said.add(message);
        }
        const { prompt, seed } = report.parameters;
        const seconds = report.seconds.total.toFixed(1);
        terminal.say(`${output.typed}: seed ${seed}, ${seconds} s, ${prompt}`);
      },
      failed({ output }, { code, message, hint }) {
        isLost = code === 'worker-lost';
        terminal.say(`${output.typed} failed: ${code}: ${message}`);
        if (hint) terminal.say(hint);
      },
    });
  } finally {
    await endBatch(request, clips, entries, (performance.now() - startedAt) / 1000, terminal);
  }
  return entries.some((entry) => 'failure' in entry) ? EXIT_FAILURE : 0;
}

/**
 * @param {Request} request
 * @param {readonly Clip[]} clips Those to make.
 * @param {readonly import('./make-clips.mjs').BatchEntry[]} entries
 * @param {number} seconds
 * @param {Terminal} terminal
 */
async function endBatch(request, clips, entries, seconds, terminal) {
  const { batch = [], report, output } = request;
  const there = batch.length - clips.length;
  const lines = summaryOf({ there, clips, entries, seconds, folder: output.typed });
  for (const line of lines) terminal.say(line);
  if (report === undefined || entries.length === 0) return;
  const earlier = earlierReports(report.path, batch, request) ?? [];
  await writeJson(report, mapTexts(mergeReports(earlier, entries), terminal.names));
}

/** Clips that are named in one message, at the most. */
const MOST_NAMED = 10;

/**
 * Asks the model whether it can make clips of these sizes, before any weights are fetched.
 * @param {Request} request
 * @param {readonly Clip[]} clips
 * @param {Page} page
 * @param {string} baseUrl
 * @returns {Promise<readonly Clip[]>} Those that it can make.
 * @throws {EngineFailure} That names all that it cannot make, unless there are others and the user wants them.
 */
export async function possibleClips(request, clips, page, baseUrl) {
  /** @type {Map<string, { size: import('./in-page.mjs').Size, names: string[] }>} */
  const sizes = new Map();
  for (const { name, generate } of clips) {
    const { width, height, numFrames, maxSequenceLength, guidanceScale, decode } = generate;
    const size = JSON.parse(
      JSON.stringify({ width, height, numFrames, maxSequenceLength, guidanceScale, decode }),
    );
    const key = JSON.stringify(size);
    const { names } = sizes.get(key) ?? { names: [] };
    sizes.set(key, { size, names: [...names, name] });
  }
  // One size of all prompts is checked when the model is loaded for it.
  if (sizes.size < 2 && clips.length === request.batch?.length) return clips;
  const asked = [...sizes.values()];
  const { source, load } = modelInPage(request, baseUrl);
  const answer = await page.evaluate(checkInPage, {
    source,
    load,
    sizes: asked.map(({ size }) => size),
  });
  const { problems } = orThrow(answer);
  const bad = problems.flatMap(({ index, problem }) =>
    (asked[index]?.names ?? []).map((name) => `  ${name}: ${problem}`),
  );
  const names = new Set(problems.flatMap(({ index }) => asked[index]?.names ?? []));
  const possible = clips.filter(({ name }) => !names.has(name));
  if (bad.length === 0 || (request.keepGoing && possible.length > 0)) return possible;
  const more = bad.length - MOST_NAMED;
  throw new EngineFailure({
    name: 'Error',
    code: 'invalid-argument',
    message: [
      `this model cannot make ${bad.length} of these clips:`,
      ...bad.sort().slice(0, MOST_NAMED),
      ...(more > 0 ? [`  and ${more} more`] : []),
    ].join('\n'),
    hint: `Change their options${possible.length > 0 ? ', or make the others with --keep-going' : ''}.`,
  });
}
