/**
 * @file Gives local files the names that the user typed, wherever the engine names them by where it reads them: by the
 * address that the command's own server has for them, or by their whole path.
 */
import { dirname } from 'node:path';

/**
 * @typedef {object} Served
 * @property {string} at Where the engine reads the folder: an address, or a path.
 * @property {string} typed What the user typed for it, or for the one file in it.
 * @property {string | undefined} [file] That file's name.
 */

/** Ends an address in a sentence. */
const END = /[\s"'“”‘’<>,;|]/;

/**
 * @param {readonly Served[]} served
 * @returns {(text: string) => string}
 */
export function typedNames(served) {
  const names = served.map((each) => ({ ...each, at: each.at.replace(/\/$/, '') }));
  // A folder that is in another one has the longer path.
  names.sort((one, other) => other.at.length - one.at.length);
  return (text) => names.reduce(replaceName, text);
}

/**
 * @param {string} text
 * @param {Served} served
 */
function replaceName(text, { at, typed, file }) {
  if (at === '' || at === typed || !text.includes(at)) return text;
  if (file !== undefined) {
    // As the engine names a file in a folder.
    for (const between of ['of', 'in']) {
      text = text.replaceAll(
        new RegExp(`${escape(file)} ${between} ${escape(at)}/?(?![\\w%/-])`, 'g'),
        () => typed,
      );
    }
  }
  const isAddress = at.includes('://');
  const pattern = `${escape(at)}(?![\\w%-])(/(?:(?!${END.source}).)*)?`;
  return text.replaceAll(new RegExp(pattern, 'gs'), (_, rest = '') => {
    const [, path = '', punctuation = ''] = /^\/?(.*?)([!).:?]*)$/s.exec(rest) ?? [];
    return nameOf(isAddress ? decoded(path) : path, { typed, file }) + punctuation;
  });
}

/**
 * @param {string} path In the folder.
 * @param {Omit<Served, 'at'>} served
 */
function nameOf(path, { typed, file }) {
  if (file === path) return typed;
  const folder = file === undefined ? typed.replace(/(?<=.)[/\\]+$/, '') : dirname(typed);
  if (path === '') return folder;
  return file !== undefined && folder === '.' ? path : `${folder}/${path}`;
}

/** @param {string} text */
function escape(text) {
  return text.replaceAll(/[$()*+.?[\\\]^{|}/-]/g, String.raw`\$&`);
}

/** @param {string} text */
function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/**
 * The same value with every text in it changed.
 * @template T
 * @param {T} value
 * @param {(text: string) => string} change
 * @returns {T}
 */
export function mapTexts(value, change) {
  /** @param {unknown} each @returns {unknown} */
  const map = (each) => {
    if (typeof each === 'string') return change(each);
    if (Array.isArray(each)) return each.map(map);
    if (typeof each !== 'object' || each === null) return each;
    return Object.fromEntries(Object.entries(each).map(([name, inner]) => [name, map(inner)]));
  };
  return /** @type {T} */ (map(value));
}

/**
 * What `run` gives; its failure names files as the user typed them.
 * @template T
 * @param {(text: string) => string} names
 * @param {() => Promise<T>} run
 * @returns {Promise<T>}
 */
export async function withTypedNames(names, run) {
  try {
    return await run();
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const { message, hint } = /** @type {Error & { hint?: string }} */ (error);
    throw Object.assign(error, {
      message: names(message),
      ...(hint === undefined ? {} : { hint: names(hint) }),
    });
  }
}
