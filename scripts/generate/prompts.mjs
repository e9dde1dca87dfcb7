/** @file The file of prompts that a batch is made of. Every entry is checked before anything starts. */
import { extname } from 'node:path';
import { parseExact } from '../../src/exact-json.mjs';
import { seedProblem } from '../../src/seed.mjs';
import { UsageError } from '../command-line.mjs';
import { nearest } from '../nearest.mjs';
import { NUMBER_RULES, numberProblem } from '../number-rules.mjs';
import { scanJson } from './json-fault.mjs';
import { positionOf, readTextFile, TextProblem } from './text-file.mjs';

/** @typedef {import('../../src/pipeline/api.ts').GenerateOptions} GenerateOptions */
/** @typedef {{ value: unknown, line: number }} Entry */

/** Options that a prompt may have of its own, under the names that `generate` has for them. */
const TEXTS = ['prompt', 'negativePrompt'];
const NAMES = [...TEXTS, 'seed', ...Object.keys(NUMBER_RULES)];

const EXAMPLE =
  'Give a text file with a prompt a line, or a .json file: [{ "prompt": "a red ball", "seed": 7 }, …]';

/** Formats in which people keep tables, none of which would make good prompts line by line. */
const OTHER_FORMATS = ['.csv', '.tsv', '.yaml', '.yml', '.xlsx', '.ods', '.docx', '.toml'];

/** Problems that are listed, at the most. */
const MOST_PROBLEMS = 10;

/**
 * What each clip is made with.
 * @param {{ path: string, typed: string }} file A JSON list of prompts or of objects with a `prompt` and options of its
 *   own, the same with an entry a line, or a text file with a prompt a line.
 * @param {GenerateOptions} common The options of the command line.
 * @returns {GenerateOptions[]}
 * @throws {UsageError} With all that is wrong, not with the first of it alone.
 */
export function readPrompts({ path, typed }, common) {
  const entries = entriesOf(typed, readText(path, typed));
  if (entries.length === 0) throw new UsageError(`--prompts: ${typed} has no prompt.`, EXAMPLE);
  const problems = entries.flatMap(({ value, line }, index) =>
    problemsOf(value).map((problem) => `entry ${index} ${problem} (line ${line})`),
  );
  if (problems.length > 0) throw refusal(typed, problems);
  return entries.map(({ value }) => ({
    ...common,
    ...(typeof value === 'string' ? { prompt: value } : /** @type {GenerateOptions} */ (value)),
  }));
}

/**
 * @param {string} typed
 * @param {readonly string[]} problems
 */
function refusal(typed, problems) {
  const [first = ''] = problems;
  if (problems.length === 1) return new UsageError(`--prompts: ${typed}: ${first}.`, EXAMPLE);
  const listed = problems.slice(0, MOST_PROBLEMS).map((problem) => `  ${problem}`);
  const more = problems.length - listed.length;
  return new UsageError(
    [
      `--prompts: ${problems.length} things are wrong in ${typed}:`,
      ...listed,
      ...(more > 0 ? [`  and ${more} more`] : []),
    ].join('\n'),
    EXAMPLE,
  );
}

/**
 * @param {string} path
 * @param {string} typed
 */
function readText(path, typed) {
  try {
    return readTextFile(path);
  } catch (error) {
    if (!(error instanceof TextProblem)) throw error;
    throw new UsageError(`--prompts: ${typed} ${error.message}.`, EXAMPLE);
  }
}

/**
 * @param {string} typed
 * @param {string} text
 * @returns {Entry[]}
 */
function entriesOf(typed, text) {
  const extension = extname(typed).toLowerCase();
  if (OTHER_FORMATS.includes(extension)) {
    throw new UsageError(`--prompts: ${extension} files are not read.`, EXAMPLE);
  }
  if (extension === '.json') return listOf(typed, text);
  const lines = text
    .split(/\r\n|\n|\r/)
    .map((value, index) => ({ value, line: index + 1 }))
    .filter(({ value }) => value.trim() !== '');
  if (extension !== '.jsonl' && extension !== '.ndjson') {
    const json = lines.find(({ value }) => /^\s*(?:\{\s*"|\[\s*["{]|\[$)/.test(value));
    if (json === undefined) return lines;
    throw new UsageError(
      `--prompts: line ${json.line} of ${typed} is JSON, and would be taken for a prompt.`,
      'Name the file .json, or .jsonl if each line is an entry.',
    );
  }
  return lines.map(({ value, line }) => {
    const { fault } = withFault(scanJson(value));
    if (fault === undefined) return { value: parseExact(value), line };
    throw faulty(typed, { line, column: fault.offset + 1 }, fault.problem);
  });
}

/**
 * @param {string} typed
 * @param {string} text
 * @returns {Entry[]}
 */
function listOf(typed, text) {
  if (text.trim() === '') return [];
  const { fault, starts } = withFault(scanJson(text));
  if (fault !== undefined) throw faulty(typed, positionOf(text, fault.offset), fault.problem);
  const list = parseExact(text);
  if (Array.isArray(list)) {
    let [line, read] = [1, 0];
    return list.map((value, index) => {
      const start = starts[index] ?? read;
      line += text.slice(read, start).split(/\r\n|\n|\r/).length - 1;
      read = start;
      return { value, line };
    });
  }
  const hasList =
    typeof list === 'object' && list !== null && 'prompts' in list && Array.isArray(list.prompts);
  throw new UsageError(
    `--prompts: ${typed} is not a list in JSON${hasList ? ', but an object with a list in it' : ''}.`,
    hasList ? 'Leave only the list itself in the file: [ … ]' : EXAMPLE,
  );
}

/**
 * @param {ReturnType<typeof scanJson>} scanned
 * @returns {{ fault?: import('./json-fault.mjs').Fault, starts: number[] }}
 */
function withFault(scanned) {
  return { starts: [], ...scanned };
}

/**
 * @param {string} typed
 * @param {{ line: number, column: number }} at
 * @param {string} problem
 */
function faulty(typed, { line, column }, problem) {
  return new UsageError(
    `--prompts: ${typed} is not JSON: line ${line}, column ${column}: there is ${problem}.`,
    EXAMPLE,
  );
}

/**
 * @param {unknown} entry
 * @returns {string[]} As in “entry 0 …”.
 */
function problemsOf(entry) {
  if (typeof entry === 'string') return [];
  if (typeof entry !== 'object' || entry === null || Array.isArray(entry)) {
    return ['is not a prompt'];
  }
  const problems = Object.entries(entry).flatMap(([name, value]) => problemOf(name, value) ?? []);
  if (!('prompt' in entry)) problems.push('has no “prompt”');
  return problems;
}

/**
 * @param {string} name
 * @param {unknown} value
 * @returns {string | undefined}
 */
function problemOf(name, value) {
  if (TEXTS.includes(name)) {
    return typeof value === 'string' ? undefined : `has a “${name}” that is not a text`;
  }
  if (!NAMES.includes(name)) {
    const meant = nearest(name, NAMES);
    return meant === undefined
      ? `has “${name}”, which is not known: options are ${NAMES.join(', ')}`
      : `has “${name}”, which is not known: did you mean “${meant}”?`;
  }
  if (typeof value !== 'number' && typeof value !== 'bigint') {
    return `has a “${name}” that is not a number`;
  }
  if (name === 'seed') {
    const problem = seedProblem(value);
    return (
      problem &&
      `has a “seed” of ${problem.message.replace(/ is not /, ', not ').replace(/\.$/, '')}`
    );
  }
  const rule = NUMBER_RULES[/** @type {import('../number-rules.mjs').NumberName} */ (name)];
  const problem = numberProblem(value, rule);
  return problem && `has a “${name}” of ${value}, not ${problem}`;
}
