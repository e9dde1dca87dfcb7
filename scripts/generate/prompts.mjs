/** @file The file of prompts that a batch is made of. */
import { readFileSync } from 'node:fs';
import { UsageError } from '../command-line.mjs';

/** @typedef {import('../../src/pipeline/api.ts').GenerateOptions} GenerateOptions */

/** Options that a prompt may have of its own, under the names that `generate` has for them. */
const TEXTS = ['prompt', 'negativePrompt'];

const EXAMPLE = '[{ "prompt": "a red ball", "seed": 7 }, …], or a text file with a prompt a line.';

/**
 * What each clip is made with.
 * @param {string} path Of a JSON list of prompts or of objects with a `prompt` and options of its own; or of a text file
 *   with a prompt a line.
 * @param {GenerateOptions} common The options of the command line.
 * @param {readonly string[]} numbers Names of the options that are numbers.
 * @returns {GenerateOptions[]}
 */
export function readPrompts(path, common, numbers) {
  const entries = entriesOf(path, readText(path));
  if (entries.length === 0) throw new UsageError(`--prompts: ${path} has no prompt.`, EXAMPLE);
  return entries.map((entry, index) => ({ ...common, ...readEntry(entry, index, numbers) }));
}

/** @param {string} path */
function readText(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const { code } = /** @type {NodeJS.ErrnoException} */ (error);
    throw new UsageError(`--prompts: ${path} cannot be read (${code}).`, EXAMPLE);
  }
}

/**
 * @param {string} path
 * @param {string} text
 * @returns {unknown[]}
 */
function entriesOf(path, text) {
  if (!path.toLowerCase().endsWith('.json')) {
    return text.split(/\r?\n/).filter((line) => line.trim() !== '');
  }
  try {
    const list = JSON.parse(text);
    if (Array.isArray(list)) return list;
  } catch {
    // Told below, as anything that is not a list is.
  }
  throw new UsageError(`--prompts: ${path} is not a list in JSON.`, EXAMPLE);
}

/**
 * @param {unknown} entry
 * @param {number} index
 * @param {readonly string[]} numbers
 * @returns {GenerateOptions}
 */
function readEntry(entry, index, numbers) {
  if (typeof entry === 'string') return { prompt: entry };
  /** @param {string} what */
  const refuse = (what) => new UsageError(`--prompts: entry ${index} ${what}.`, EXAMPLE);
  if (typeof entry !== 'object' || entry === null) throw refuse('is not a prompt');
  for (const [name, value] of Object.entries(entry)) {
    const isNumber = numbers.includes(name);
    if (!isNumber && !TEXTS.includes(name)) throw refuse(`has “${name}”, which is not known`);
    if (typeof value !== (isNumber ? 'number' : 'string')) {
      throw refuse(`has a “${name}” that is not a ${isNumber ? 'number' : 'text'}`);
    }
  }
  if (!('prompt' in entry)) throw refuse('has no “prompt”');
  return /** @type {GenerateOptions} */ (entry);
}
