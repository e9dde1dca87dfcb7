/** @file All places of a request: what it writes, and what it reads. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { mapParts } from '../model-arguments.mjs';
import { statOf } from '../places.mjs';
import { earlierReports } from './batch.mjs';
import { checkTargets } from './output-checks.mjs';
import { isOwnClip, isOwnFrames, isOwnReport } from './own-files.mjs';

/** @typedef {import('./arguments.mjs').Request} Request */

/**
 * @param {Request} request
 * @returns {string[]} Names of what earlier runs made and this one replaces.
 * @throws {import('../command-line.mjs').UsageError}
 */
export function checkPlaces(request) {
  const { output, report, batch, force } = request;
  const isFrames = output.container === 'png';
  const isOwnOutput = isFrames ? isOwnFrames(output.path, report?.path) : isOwnClip(output.path);
  const isOwn =
    report &&
    (batch ? earlierReports(report.path, batch, request) !== undefined : isOwnReport(report.path));
  checkTargets(
    [
      {
        flag: '--out',
        path: output.path,
        typed: output.typed,
        isFolder: isFrames || batch !== undefined,
        // Of a batch, the clips have been looked at one by one.
        mayReplace: force || batch !== undefined || isOwnOutput,
      },
      ...(report
        ? [{ flag: '--report', ...report, isFolder: false, mayReplace: force || isOwn === true }]
        : []),
    ],
    inputsOf(request),
  );
  const replaced = [...(batch ? [] : [output]), ...(report ? [report] : [])];
  return replaced.flatMap(({ path, typed }) => (isThere(path) ? [typed] : []));
}

/**
 * Files that the run reads.
 * @param {Request} request
 */
function inputsOf({ prompts, parts }) {
  /** @type {{ flag: string, path: string, typed: string }[]} */
  const inputs = prompts ? [{ flag: '--prompts', ...prompts }] : [];
  mapParts(parts, (place, name) => {
    if (typeof place === 'string' || place.file === '') return;
    const flag = name.startsWith('lora') ? '--lora' : 'the model';
    inputs.push({ flag, path: join(place.folder, place.file), typed: place.typed });
  });
  return inputs;
}

/** @param {string} path */
function isThere(path) {
  const found = statOf(path);
  return found !== undefined && (!found.isDirectory() || !isEmpty(path));
}

/** @param {string} path */
function isEmpty(path) {
  return readdirSync(path).length === 0;
}
