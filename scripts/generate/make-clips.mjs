/** @file Makes the clips of a batch one after the other, and says at the end what became of each. */
import { EngineFailure, requestReport } from './driven-page.mjs';
import { OutputError, writeJson } from './output.mjs';

/**
 * @typedef {import('./arguments.mjs').Request} Request
 * @typedef {import('./batch.mjs').Clip} Clip
 * @typedef {import('./driven-page.mjs').Report} Report
 *
 * @typedef {object} Failed
 * @property {string} clip
 * @property {ReturnType<typeof requestReport>} request
 * @property {{ code: string, message: string, hint?: string }} failure
 *
 * @typedef {(Report & { clip: string }) | Failed} BatchEntry What a batch's report has of a clip.
 */

/**
 * @param {readonly Clip[]} clips
 * @param {Request} request
 * @param {object} by
 * @param {(clip: Clip) => Promise<Report>} by.make
 * @param {(clip: Clip, report: Report) => void} by.done
 * @param {(clip: Clip, failure: Failed['failure']) => void} by.failed
 * @param {AbortSignal} by.signal
 * @param {BatchEntry[]} by.entries Gets what became of each clip that was begun.
 */
export async function makeClips(clips, request, { make, done, failed, signal, entries }) {
  for (const clip of clips) {
    signal.throwIfAborted();
    const asked = requestReport(request, clip.generate);
    // First of all whose clip it will be, so that a run that is stopped here can continue.
    await writeJson(clip.report, { request: asked });
    try {
      const report = await make(clip);
      await writeJson(clip.report, report);
      entries.push({ clip: clip.name, ...report });
      done(clip, report);
    } catch (error) {
      const failure = failureOf(error);
      if (failure === undefined || signal.aborted) throw error;
      entries.push({ clip: clip.name, request: asked, failure });
      if (!request.keepGoing || error instanceof OutputError) throw error;
      await writeJson(clip.report, { request: asked, failure });
      failed(clip, failure);
    }
  }
}

/** @param {unknown} error */
function failureOf(error) {
  if (error instanceof OutputError)
    return { code: 'output', message: error.message, hint: error.hint };
  if (!(error instanceof EngineFailure) || error.name === 'AbortError') return undefined;
  const { code, name, message, hint } = error;
  return { code: code ?? name, message, ...(hint === undefined ? {} : { hint }) };
}

/**
 * @param {object} batch
 * @param {number} batch.there How many clips were there already.
 * @param {readonly Clip[]} batch.clips Those to make.
 * @param {readonly BatchEntry[]} batch.entries
 * @param {number} batch.seconds
 * @param {string} batch.folder
 * @returns {string[]} Lines.
 */
export function summaryOf({ there, clips, entries, seconds, folder }) {
  /** @type {Failed[]} */
  const failed = entries.flatMap((entry) => ('failure' in entry ? [entry] : []));
  const made = entries.length - failed.length;
  const rest = clips.length - entries.length;
  const parts = [
    `Made ${made} of ${clips.length + there} clips in ${seconds.toFixed(1)} s, in ${folder}`,
    ...(there > 0 ? [`there already: ${there}`] : []),
    ...(rest > 0 ? [`not begun: ${rest}`] : []),
    ...(failed.length > 0 ? [`failed: ${failed.length}`] : []),
  ];
  return [
    `${parts.join('; ')}.`,
    ...failed.map(({ clip, failure: { code, message } }) => `  ${clip}: ${code}: ${message}`),
  ];
}
