/** @file What all commands' lines have in common: flags, and words for what is wrong with them. */

import { shownText } from '../src/weights/shown-address.mjs';

/** @type {import('../src/pipeline/api.ts').WeightsFormat[]} */
const WEIGHTS = ['f32', 'f16', 'q8', 'q4'];

/** What is wrong with the command line, and what would be right. */
export class UsageError extends Error {
  /**
   * @param {string} message
   * @param {string} hint
   */
  constructor(message, hint) {
    super(message);
    this.hint = hint;
  }
}

export const EXIT_FAILURE = 1;
export const EXIT_USAGE = 2;
/** As a shell reports a command that Ctrl-C ended. */
export const EXIT_CANCELLED = 130;

/**
 * Runs a command, and prints what it throws with what can be done about it.
 * @param {() => Promise<void>} main
 */
export async function runCommand(main) {
  try {
    await main();
  } catch (error) {
    const { message, hint } = /** @type {{ message: string, hint?: string }} */ (error);
    console.error(shownText(hint === undefined ? message : `${message}\n${hint}`));
    process.exitCode = error instanceof UsageError ? EXIT_USAGE : EXIT_FAILURE;
  }
}

/**
 * This module's error in the place of that of Node's `parseArgs`.
 * @template T
 * @param {string} command As in `npm run command`.
 * @param {() => T} parse
 */
export function parsing(command, parse) {
  try {
    return parse();
  } catch (error) {
    const text = shownText(String(error instanceof Error ? error.message : error));
    const [message = ''] = text.split('. ');
    throw new UsageError(
      `${message.replace(/\.$/, '')}.`,
      `npm run ${command} -- --help lists all.`,
    );
  }
}

/**
 * @param {string} flag
 * @param {string} text
 */
export function number(flag, text) {
  const value = text.trim() === '' ? Number.NaN : Number(text);
  if (Number.isFinite(value)) return value;
  throw new UsageError(`--${flag}: “${text}” is not a number.`, `For example --${flag} 8`);
}

/**
 * @param {{ memory?: string, weights?: string, ram?: string, guidance?: string, tile?: string }} flags
 * @returns {'auto' | import('../src/pipeline/api.ts').MemoryOptions} Only what was given; the engine settles the rest.
 */
export function memoryOptions({ memory, weights, ram, guidance, tile }) {
  /** @type {import('../src/pipeline/api.ts').MemoryOptions} */
  const options = {};
  if (memory !== undefined) options.budgetBytes = megabytes('memory', memory);
  if (weights !== undefined) options.weights = oneOf('weights', weights, WEIGHTS);
  if (ram !== undefined) options.ramBytes = megabytes('ram', ram);
  if (guidance !== undefined) {
    options.guidance = oneOf('guidance', guidance, ['batched', 'sequential']);
  }
  if (tile !== undefined) options.tile = number('tile', tile);
  return Object.keys(options).length === 0 ? 'auto' : options;
}

/**
 * @param {string} flag
 * @param {string} text
 */
function megabytes(flag, text) {
  return Math.round(number(flag, text) * 1e6);
}

/**
 * @template {string} T
 * @param {string} flag
 * @param {string} value
 * @param {T[]} choices
 * @returns {T}
 */
export function oneOf(flag, value, choices) {
  const found = choices.find((choice) => choice === value);
  if (found !== undefined) return found;
  throw new UsageError(`--${flag}: “${value}” is not known.`, `One of: ${choices.join(', ')}.`);
}
