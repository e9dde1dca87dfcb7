/** @file What all commands' lines have in common: flags, and words for what is wrong with them. */
import { parseArgs } from 'node:util';
import { nearest } from './nearest.mjs';

import { shownAddress, shownText } from '../src/weights/shown-address.mjs';

/** @type {import('../src/pipeline/api.ts').WeightsFormat[]} */
const WEIGHTS = ['f32', 'f16', 'q8', 'q4'];

/**
 * What was typed, as messages may repeat it: without the secrets of an address, which may lack its scheme. The name of a
 * file may have ? and # in it, and stays whole.
 * @param {string} text
 */
export function shownTyped(text) {
  const isAddress = /^\w[\w+.-]+:\S|^\w:\S*@|\?[^\s/]*=/.test(text);
  return isAddress ? shownAddress(text) : text;
}

/** What is wrong with the command line, and what would be right. Neither repeats the secrets of an address. */
export class UsageError extends Error {
  /**
   * @param {string} message
   * @param {string} hint
   */
  constructor(message, hint) {
    super(shownText(message));
    this.hint = shownText(hint);
  }
}

/**
 * The text with marks instead of control characters: those of a prompt, a file's name or a server's answer could
 * move the terminal's cursor or hide what is printed.
 * @param {string} text
 */
export function printable(text) {
  // oxlint-disable-next-line no-control-regex -- These are what must not be printed.
  return text.replaceAll(/[\u0000-\u0008\u000B-\u001F\u007F-\u009F]/g, (control) => {
    const code = control.charCodeAt(0);
    return code < 0x20 ? String.fromCharCode(0x2400 + code) : '\uFFFD';
  });
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
    console.error(printable(shownText(hint === undefined ? message : `${message}\n${hint}`)));
    process.exitCode = error instanceof UsageError ? EXIT_USAGE : EXIT_FAILURE;
  }
}

/**
 * @template {import('node:util').ParseArgsOptionsConfig} T
 * @typedef {ReturnType<typeof parseArgs<{ args: string[], options: T, allowPositionals: true }>>} Parsed
 */

/**
 * Node's `parseArgs`, which refuses what is unknown or without its value, in words for a person. A value may be a negative
 * number. Of an option that is given twice the last value counts, and a note says so.
 * @template {import('node:util').ParseArgsOptionsConfig} T
 * @param {string} command As in `npm run command`.
 * @param {string[]} args
 * @param {T} options
 * @returns {Parsed<T> & { notes: string[] }}
 */
export function parseFlags(command, args, options) {
  const known = Object.keys(options);
  const joined = joinNegatives(args, options);
  const list = `npm run ${command} -- --help lists all.`;
  const { tokens } = parseArgs({
    args: joined,
    options,
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  /** @type {Map<string, string | undefined>} */
  const given = new Map();
  /** @type {string[]} */
  const notes = [];
  for (const token of tokens) {
    if (token.kind !== 'option') continue;
    const { name, rawName, value } = token;
    const option = options[name];
    if (option === undefined)
      throw new UsageError(`${shownTyped(rawName)} is not an option.`, hintFor(name));
    if (given.has(name) && option.multiple !== true && given.get(name) !== value) {
      notes.push(
        `Note: ${rawName} is given twice. The last one counts: ${shownTyped(value ?? '')}`,
      );
    }
    given.set(name, value);
  }
  const parsed = parsing(command, () =>
    parseArgs({ args: joined, options, allowPositionals: /** @type {const} */ (true) }),
  );
  return { ...parsed, notes };

  /** @param {string} name */
  function hintFor(name) {
    if (/token/i.test(name)) {
      return 'An access token goes in the environment variable HF_TOKEN: others can see command lines.';
    }
    const meant = nearest(name, known);
    return meant === undefined ? list : `Did you mean --${meant}? ${list}`;
  }
}

/**
 * `--seed -1` as `--seed=-1`: Node takes a value that begins with a dash for another option.
 * @param {string[]} args
 * @param {import('node:util').ParseArgsOptionsConfig} options
 */
function joinNegatives(args, options) {
  const end = args.includes('--') ? args.indexOf('--') : args.length;
  /** @type {string[]} */
  const joined = [];
  for (let i = 0; i < args.length; i++) {
    const [arg = '', next = ''] = args.slice(i);
    const takesValue = arg.startsWith('--') && options[arg.slice(2)]?.type === 'string';
    const isValue = i + 1 < end && /^-(?:[\d.]|infinity$|.*\s)/i.test(next);
    if (takesValue && isValue) {
      joined.push(`${arg}=${next}`);
      i++;
    } else joined.push(arg);
  }
  return joined;
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
 * @param {readonly string[]} positionals
 * @param {string} hint
 */
export function refusePositionals([first], hint) {
  if (first !== undefined) throw new UsageError(`What is “${shownTyped(first)}”?`, hint);
}

/**
 * Refuses empty texts, which an unset variable of a shell makes of a value.
 * @param {Record<string, unknown>} values
 * @param {readonly string[]} flags
 */
export function refuseEmpty(values, flags) {
  for (const flag of flags) {
    if (values[flag] === undefined || ![values[flag]].flat().includes('')) continue;
    throw new UsageError(`--${flag} is empty.`, 'Give it a value, or leave it out.');
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
  if (tile !== undefined) {
    options.tile = number('tile', tile);
    if (options.tile <= 0) {
      throw new UsageError(
        `--tile: ${tile} is not a number of pixels above 0.`,
        'Leave it out for whole frames.',
      );
    }
  }
  return Object.keys(options).length === 0 ? 'auto' : options;
}

/**
 * @param {string} flag
 * @param {string} text
 */
function megabytes(flag, text) {
  const bytes = Math.round(number(flag, text) * 1e6);
  if (bytes > 0) return bytes;
  throw new UsageError(
    `--${flag}: ${text} is not a number of megabytes above 0.`,
    'Leave it out for no limit.',
  );
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
