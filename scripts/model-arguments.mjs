/** @file Which model, and what it is put together from: the same words for all commands. */
import { existsSync, statSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { shownAddress } from '../src/weights/shown-address.mjs';
import { UsageError } from './command-line.mjs';

export const PARTS_USAGE = `
  --transformer PLACE         another transformer in the place of the model's: a folder, a .safetensors
                              file, a URL, or a repository of the hub
  --text-encoder PLACE        another text encoder, likewise
  --vae PLACE                 another decoder, likewise
  --lora PLACE[:SCALE]        a LoRA, merged at this scale; may be given several times        (1)
  --fast-decoder PLACE        a TAEHV file in safetensors format, or its URL               (none)`;

/** For `parseArgs`. */
export const PART_FLAGS = /** @type {const} */ ({
  transformer: { type: 'string' },
  'text-encoder': { type: 'string' },
  vae: { type: 'string' },
  lora: { type: 'string', multiple: true },
  'fast-decoder': { type: 'string' },
});

/**
 * A reference as the engine reads it, or, on this machine, a folder and a file in it ('' for the folder itself).
 * @typedef {string | { folder: string, file: string }} Place
 */

/**
 * @typedef {object} Parts By the names that the engine has for them.
 * @property {Place} [transformer]
 * @property {Place} [textEncoderFrom]
 * @property {Place} [vae]
 * @property {Place} [fastDecoder]
 * @property {{ source: Place, scale: number }[]} loras
 */

/**
 * @typedef {{ name: string, folder?: string, url?: string }} Model A bundled name, a folder, or a reference that the
 *   engine reads. The name is for reports and messages: it holds no secret.
 */

/**
 * @param {{ transformer?: string, 'text-encoder'?: string, vae?: string, lora?: string[], 'fast-decoder'?: string }} flags
 * @returns {Parts}
 */
export function partsOf(flags) {
  const { transformer, 'text-encoder': text, vae, lora = [], 'fast-decoder': fast } = flags;
  return {
    ...(transformer === undefined ? {} : { transformer: findPart(transformer) }),
    ...(text === undefined ? {} : { textEncoderFrom: findPart(text) }),
    ...(vae === undefined ? {} : { vae: findPart(vae) }),
    ...(fast === undefined ? {} : { fastDecoder: findPart(fast) }),
    loras: lora.map(parseLora),
  };
}

/**
 * The same with something else in the place of each.
 * @template T
 * @param {Parts} parts
 * @param {(place: Place, name: string) => T} map `name` tells one from the others.
 */
export function mapParts({ loras, ...parts }, map) {
  const named = Object.entries(parts).map(([name, place]) => [name, map(place, name)]);
  return {
    .../** @type {{ [K in keyof typeof parts]: T }} */ (Object.fromEntries(named)),
    loras: loras.map(({ source, scale }, index) => ({
      source: map(source, `lora-${index}`),
      scale,
    })),
  };
}

/** The parts as reports and messages have them. @param {Parts} parts */
export function shownParts(parts) {
  return mapParts(parts, (place) => (typeof place === 'string' ? shownAddress(place) : place));
}

/**
 * @param {string} model
 * @param {string[]} bundled
 * @returns {Model}
 */
export function findModel(model, bundled) {
  if (bundled.includes(model)) return { name: model };
  if (/^https?:\/\//.test(model)) return { name: shownAddress(model), url: model };
  const folder = resolve(model);
  if (existsSync(folder) && statSync(folder).isDirectory())
    return { name: basename(folder), folder };
  if (/^[\w-][\w.-]*\/[\w-][\w.-]*(?:[@/].*)?$/.test(model)) return { name: model, url: model };
  throw new UsageError(
    `--model: there is no bundled model and no folder “${shownAddress(model)}”.`,
    `Bundled: ${bundled.join(', ') || 'none'}. Or give a folder with a model_index.json, or owner/name.`,
  );
}

/**
 * The token comes from the environment alone: command lines are seen by others and kept in histories.
 * @param {string | undefined} revision
 * @returns {{ revision?: string, token?: string, hubUrl?: string }}
 */
export function hubOptions(revision) {
  const { HF_TOKEN: token, HF_ENDPOINT: hubUrl } = process.env;
  return {
    ...(revision === undefined ? {} : { revision }),
    ...(token ? { token } : {}),
    ...(hubUrl ? { hubUrl } : {}),
  };
}

/**
 * @param {string} text
 * @returns {Place}
 */
function findPart(text) {
  const path = resolve(text);
  const found = statSync(path, { throwIfNoEntry: false });
  if (found?.isDirectory()) return { folder: path, file: '' };
  if (found?.isFile()) return { folder: dirname(path), file: basename(path) };
  // The page would take it for an address on the command's own server.
  if (/^\.{0,2}\//.test(text)) {
    throw new UsageError(
      `There is no “${shownAddress(text)}”.`,
      'Give a folder, a file, a URL or owner/name.',
    );
  }
  return text;
}

/** @param {string} text `place` or `place:scale`. */
function parseLora(text) {
  // Numbers that are no use as a scale are read too, so that the error is about the scale and not about the place.
  const [, place = text, scale] =
    /^(.*[^:/]):([+-]?(?:[\d.]+(?:e[+-]?\d+)?|infinity|nan))$/i.exec(text) ?? [];
  // The number after a host is its port.
  if (scale === undefined || /^[a-z]+:\/\/[^/]*$/.test(place)) {
    return { source: findPart(text), scale: 1 };
  }
  if (!Number.isFinite(Number(scale))) {
    throw new UsageError(`--lora: a scale of “${scale}” is not a number.`, '1 is as trained.');
  }
  return { source: findPart(place), scale: Number(scale) };
}
