/**
 * @file Many clips by one loaded model, each under its number, with its report beside it. A report says what a clip was
 * asked for: so the same command continues where an earlier one was stopped, and another one is refused.
 */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseExact, stringifyExact } from '../../src/exact-json.mjs';
import { UsageError } from '../command-line.mjs';
import { statOf } from '../places.mjs';
import { requestReport } from './driven-page.mjs';
import { isInside, isSamePlace, readNames } from './output-checks.mjs';

/**
 * @typedef {import('./arguments.mjs').Request} Request
 * @typedef {import('./driven-page.mjs').Report} Report
 *
 * @typedef {import('./make-clips.mjs').BatchEntry} BatchEntry
 *
 * @typedef {object} Clip
 * @property {string} name Its number among the prompts.
 * @property {Request['generate']} generate
 * @property {Request['output']} output
 * @property {import('./arguments.mjs').TypedPath} report
 * @property {boolean} replaces Whether what has its name may be replaced: it is this command's, or the user insists.
 */

/** Digits of a clip's number, at the least. */
const DIGITS = 3;

/**
 * @param {Request['generate'][]} batch
 * @param {Request} request
 * @returns {Clip[]}
 */
function clipsOf(batch, { output, force }) {
  const digits = Math.max(DIGITS, String(batch.length - 1).length);
  return batch.map((generate, index) => {
    const name = String(index).padStart(digits, '0');
    const file = output.container === 'png' ? name : `${name}.${output.container}`;
    /** @param {string} each */
    const inFolder = (each) => ({
      path: join(output.path, each),
      typed: join(output.typed, each),
    });
    return {
      name,
      generate,
      output: { ...output, ...inFolder(file) },
      report: inFolder(`${name}.json`),
      replaces: force,
    };
  });
}

/**
 * The clips that are not there yet.
 * @param {Request['generate'][]} batch
 * @param {Request} request What they have in common.
 * @throws {UsageError} If the folder holds something else, unless the user insists.
 */
export function clipsToMake(batch, request) {
  const clips = clipsOf(batch, request);
  checkNames(clips, request);
  const { path: folder, typed } = request.output;
  const info = statOf(folder);
  // What is no folder is refused with all other places.
  if (!info?.isDirectory()) return clips;
  const names = new Set(clips.flatMap(({ report, output }) => [report.path, output.path]));
  for (const file of readNames('--out', folder, typed)) {
    const path = join(folder, file);
    // What a stopped run has left of a file.
    const isPart = /\.\d+\.part$/.test(file);
    const isReport = request.report !== undefined && isSamePlace(path, request.report.path);
    if (request.force || isPart || isReport || names.has(path)) continue;
    throw refusal(`${join(typed, file)} is not of these prompts`);
  }
  return clips.flatMap((clip) => {
    const wanted = comparable(requestReport(request, clip.generate));
    const found = statOf(clip.output.path);
    if (found && found.isDirectory() !== (clip.output.container === 'png')) {
      throw refusal(`${clip.output.typed} is a ${found.isDirectory() ? 'folder' : 'file'}`);
    }
    const isThere = found !== undefined;
    const { request: made, parameters } = readReport(clip.report, request.force);
    if (made === undefined && !isThere) return [clip];
    if (made === undefined || comparable(made) !== wanted) {
      if (request.force) return [clip];
      throw refusal(`clip ${clip.name} in ${typed} was made of something else`);
    }
    return parameters === undefined || !isThere ? [{ ...clip, replaces: true }] : [];
  });
}

/**
 * @param {readonly Clip[]} clips
 * @param {Request} request
 * @throws {UsageError} If another file of the command has the name of a clip or of its report.
 */
function checkNames(clips, { report, prompts }) {
  for (const [flag, file] of /** @type {const} */ ([
    ['--report', report],
    ['--prompts', prompts],
  ])) {
    if (file === undefined) continue;
    for (const clip of clips) {
      for (const own of [clip.output, clip.report]) {
        if (!isSamePlace(own.path, file.path) && !isInside(own.path, file.path)) continue;
        throw new UsageError(
          `${flag}: ${file.typed} has the name of clip ${clip.name} of the batch, ${own.typed}.`,
          `Give ${flag} another name.`,
        );
      }
    }
  }
}

/** @param {string} what */
function refusal(what) {
  return new UsageError(
    `--out: ${what}.`,
    'Give the name of a new folder, the prompts and options that this one was made with, or --force.',
  );
}

/**
 * @param {Clip['report']} report
 * @param {boolean} force
 * @returns {{ request?: object, parameters?: unknown }} Without parameters while the clip is being made.
 */
function readReport({ path, typed }, force) {
  if (!existsSync(path)) return {};
  const found = readJson(path);
  if (isRecord(found)) return found;
  if (force && statSync(path).isFile()) return {};
  throw refusal(`${typed} is not the report of a clip`);
}

/** @param {string} path @returns {unknown} */
function readJson(path) {
  try {
    // A pipe would be waited for.
    if (!statSync(path).isFile()) return undefined;
    return parseExact(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
}

/**
 * A request in the one form in which it can be compared: with its names in order, and with whole paths, since a path can
 * be written in several ways.
 * @param {object} request
 * @returns {string}
 */
function comparable(request) {
  const { model, parts } = /** @type {{ model?: unknown, parts?: unknown }} */ (request);
  return stringifyExact(inOrder({ ...request, model: withPaths(model), parts: withPaths(parts) }));
}

/** @param {unknown} value @returns {unknown} */
function inOrder(value) {
  if (Array.isArray(value)) return value.map(inOrder);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([one], [other]) => (one < other ? -1 : 1))
      .map(([name, each]) => [name, inOrder(each)]),
  );
}

/** @param {unknown} value @returns {unknown} */
function withPaths(value) {
  if (typeof value === 'string') return /^https?:/i.test(value) ? value : resolve(value);
  if (Array.isArray(value)) return value.map(withPaths);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, withPaths(each)]));
}

/**
 * What earlier runs of this batch have left in the file of its reports.
 * @param {string} path
 * @param {Request['generate'][]} batch
 * @param {Request} request
 * @returns {BatchEntry[] | undefined} undefined if the file is not theirs.
 */
export function earlierReports(path, batch, request) {
  const list = existsSync(path) ? readJson(path) : undefined;
  if (!Array.isArray(list)) return undefined;
  const wanted = new Set(batch.map((generate) => comparable(requestReport(request, generate))));
  const isOurs = list.every(
    (each) => isRecord(each?.request) && wanted.has(comparable(each.request)),
  );
  return isOurs ? list : undefined;
}

/**
 * The reports of this run replace those that earlier runs left of the same clips.
 * @param {readonly BatchEntry[]} earlier
 * @param {readonly BatchEntry[]} made
 * @returns {BatchEntry[]}
 */
export function mergeReports(earlier, made) {
  const names = new Set(made.map(({ clip }) => clip));
  return [...earlier.filter(({ clip }) => !names.has(clip)), ...made].sort((one, other) =>
    one.clip < other.clip ? -1 : 1,
  );
}

/** @param {unknown} value @returns {value is object} */
function isRecord(value) {
  return typeof value === 'object' && value !== null;
}
