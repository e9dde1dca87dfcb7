/**
 * @file Many clips by one loaded model, each under its number, with its report beside it. A report says what a clip was
 * asked for: so the same command goes on where an earlier one was stopped, and another one is refused.
 */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { UsageError } from '../command-line.mjs';
import { requestReport } from './driven-page.mjs';
import { writeJson } from './output.mjs';

/**
 * @typedef {import('./arguments.mjs').Request} Request
 * @typedef {import('./driven-page.mjs').Report} Report
 * @typedef {import('./terminal.mjs').Step} Step
 *
 * @typedef {object} Clip
 * @property {string} name Its number among the prompts.
 * @property {Request['generate']} generate
 * @property {Request['output']} output
 * @property {string} report Path.
 */

/** Digits of a clip's number, at the least. */
const DIGITS = 3;

/**
 * @param {Request['generate'][]} batch
 * @param {Request['output']} output Its folder.
 * @returns {Clip[]}
 */
function clipsOf(batch, output) {
  const digits = Math.max(DIGITS, String(batch.length - 1).length);
  return batch.map((generate, index) => {
    const name = String(index).padStart(digits, '0');
    const file = output.container === 'png' ? name : `${name}.${output.container}`;
    return {
      name,
      generate,
      output: { ...output, path: join(output.path, file) },
      report: join(output.path, `${name}.json`),
    };
  });
}

/**
 * The clips that are not there yet.
 * @param {Request['generate'][]} batch
 * @param {Request} request What they have in common.
 * @throws {UsageError} If the folder holds something else: nothing is overwritten.
 */
export function clipsToMake(batch, request) {
  const clips = clipsOf(batch, request.output);
  const folder = request.output.path;
  const info = statSync(folder, { throwIfNoEntry: false });
  if (!info) return clips;
  if (!info.isDirectory()) throw refusal(`${folder} is a file`);
  const names = new Set(clips.flatMap(({ report, output }) => [report, output.path]));
  for (const file of readdirSync(folder)) {
    const path = join(folder, file);
    // What a stopped run has left of a file.
    const isPart = /\.\d+\.part$/.test(file);
    if (!isPart && !names.has(path)) throw refusal(`${path} is not of these prompts`);
  }
  return clips.filter((clip) => {
    const { request: made, parameters } = readReport(clip.report);
    const isThere = existsSync(clip.output.path);
    if (made === undefined && !isThere) return true;
    if (!isDeepStrictEqual(made, plain(requestReport(request, clip.generate)))) {
      throw refusal(`clip ${clip.name} in ${folder} was made of something else`);
    }
    return parameters === undefined || !isThere;
  });
}

/** @param {string} what */
function refusal(what) {
  return new UsageError(
    `--out: ${what}.`,
    'Give the name of a new folder, or the prompts and options that this one was made with.',
  );
}

/**
 * @param {string} path
 * @returns {{ request?: unknown, parameters?: unknown }} Without parameters while the clip is being made.
 */
function readReport(path) {
  if (!existsSync(path)) return {};
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    throw refusal(`${path} is not the report of a clip`);
  }
}

/** As JSON has it. @param {unknown} value */
function plain(value) {
  return JSON.parse(JSON.stringify(value));
}

/**
 * @param {readonly Clip[]} clips
 * @param {Request} request
 * @param {object} by
 * @param {(clip: Clip) => Promise<Report>} by.make
 * @param {(clip: Clip, report: Report) => void} by.done
 * @param {AbortSignal} by.signal
 */
export async function makeClips(clips, request, { make, done, signal }) {
  for (const clip of clips) {
    signal.throwIfAborted();
    // First of all whose clip it will be, so that a run that is stopped here can go on.
    writeJson(clip.report, { request: requestReport(request, clip.generate) });
    const report = await make(clip);
    writeJson(clip.report, report);
    done(clip, report);
  }
}

/** One bar for all clips out of the progress of each. */
export class BatchProgress {
  #total;
  #made = 0;
  #within = 0;
  #startedAt = 0;
  #now;

  /**
   * @param {number} total Clips to make.
   * @param {() => number} [now] Milliseconds.
   */
  constructor(total, now = () => performance.now()) {
    this.#total = total;
    this.#now = now;
  }

  /** A clip begins: the one after those made. @param {number} made */
  begin(made) {
    this.#made = made;
    this.#within = 0;
    // The first clip compiles kernels, which the others find: it is counted, since nothing is known without it.
    if (made === 0) this.#startedAt = this.#now();
  }

  /**
   * @param {Step} step Of a clip.
   * @returns {Step} Of the batch.
   */
  over({ fraction, text }) {
    // Saving begins its own bar anew.
    this.#within = Math.max(this.#within, fraction ?? 0);
    const done = this.#made + this.#within;
    const elapsed = (this.#now() - this.#startedAt) / 1000;
    return {
      fraction: done / this.#total,
      text: `Clip ${this.#made + 1} of ${this.#total}, ${text}`,
      etaSeconds: this.#made === 0 ? undefined : (elapsed / done) * (this.#total - done),
    };
  }
}
