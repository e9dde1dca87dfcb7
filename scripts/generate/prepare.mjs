/** @file All that can be settled and refused before anything is installed, built, opened or fetched. */
import { parseCommandLine } from './arguments.mjs';
import { clipsToMake } from './batch.mjs';
import { checkPlaces } from './request-places.mjs';

/**
 * @typedef {object} Prepared
 * @property {import('./arguments.mjs').Request} request
 * @property {import('./batch.mjs').Clip[] | undefined} clips Those of a batch that are not there yet.
 * @property {string[]} replaced Names of what is there and is replaced.
 */

/**
 * @param {string[]} args
 * @param {string[]} bundled Names of the bundled models.
 * @returns {Prepared | 'help'}
 * @throws {import('../command-line.mjs').UsageError}
 */
export function prepare(args, bundled) {
  const request = parseCommandLine(args, bundled);
  if (request === 'help') return 'help';
  const clips = request.batch && clipsToMake(request.batch, request);
  const replaced = checkPlaces(request);
  return { request, clips, replaced };
}
