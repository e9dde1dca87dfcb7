/** @file The page with a model in it: makes clips of that model and writes them. */
import { basename, dirname, join } from 'node:path';
import { shownParts } from '../model-arguments.mjs';
import { generateInPage, readEncodedFile } from './in-page.mjs';
import { writeOutput } from './output.mjs';

/**
 * @typedef {import('./arguments.mjs').Request} Request
 * @typedef {import('./in-page.mjs').Failure} Failure
 */

/** What the engine refused or could not do; or an `AbortError`. */
export class EngineFailure extends Error {
  /** @param {Failure} failure */
  constructor({ name, message, code, hint }) {
    super(message);
    this.name = name;
    this.code = code;
    this.hint = hint;
  }
}

/**
 * @template T
 * @param {T | { failure: Failure }} answer Of a function in the page.
 * @returns {Exclude<T, { failure: Failure }>}
 * @throws {EngineFailure}
 */
export function orThrow(answer) {
  if (typeof answer === 'object' && answer !== null && 'failure' in answer) {
    throw new EngineFailure(answer.failure);
  }
  return /** @type {Exclude<T, { failure: Failure }>} */ (answer);
}

/** @typedef {ReturnType<typeof reportOf>} Report */

export class DrivenPage {
  #page;
  #request;
  #loadSeconds;

  /**
   * @param {import('@playwright/test').Page} page Where `loadInPage` has run.
   * @param {Request} request
   * @param {number} loadSeconds
   */
  constructor(page, request, loadSeconds) {
    this.#page = page;
    this.#request = request;
    this.#loadSeconds = loadSeconds;
  }

  /**
   * @param {Request['generate']} generate
   * @param {Request['output']} output
   * @param {boolean} replaces Whether what is there already may be replaced.
   * @throws {EngineFailure}
   */
  async make(generate, output, replaces) {
    const { container, scale, codec } = output;
    const encode = { container, scale, ...(codec === undefined ? {} : { codec }) };
    const answer = await this.#page.evaluate(generateInPage, { generate, encode });
    const { outcome } = orThrow(answer);
    const target = { ...output, replaces };
    const written = await writeOutput(target, outcome.output.files, async (index) =>
      Buffer.from(await this.#page.evaluate(readEncodedFile, index), 'base64'),
    );
    const load = this.#loadSeconds;
    // Of the first clip alone: so the seconds of all of them add up.
    this.#loadSeconds = 0;
    const { total } = outcome.seconds;
    const seconds = { load, ...outcome.seconds, total: load + total };
    return reportOf(this.#request, generate, output, { ...outcome, seconds }, written);
  }
}

/**
 * What is asked of the engine, in the form in which reports have it.
 * @param {Request} request
 * @param {Request['generate']} generate
 */
export function requestReport({ model, parts, device, dtype, output, memory }, generate) {
  return {
    ...generate,
    model: model.typed,
    parts: shownParts(parts),
    device,
    dtype,
    scale: output.scale,
    memory,
  };
}

/**
 * @param {Request} request
 * @param {Request['generate']} generate
 * @param {Request['output']} output
 * @param {import('./in-page.mjs').Outcome & { seconds: { load: number } }} outcome
 * @param {{ bytes: number, name: string }} written
 */
function reportOf(request, generate, { typed, container, scale }, outcome, { bytes, name }) {
  const { parameters, device, notices, seconds, memory } = outcome;
  const { numFrames, width, height } = parameters;
  return {
    request: requestReport(request, generate),
    parameters,
    device,
    notices,
    seconds,
    memory,
    output: {
      path: basename(typed) === name ? typed : join(dirname(typed), name),
      bytes,
      frames: numFrames,
      codec: outcome.output.codec,
      container,
      width: width * scale,
      height: height * scale,
    },
  };
}
