/** @file Which model, and what it is put together from: the same words for all commands. */
import { basename, dirname } from 'node:path';
import { shownAddress } from '../src/weights/shown-address.mjs';
import { shownTyped, UsageError } from './command-line.mjs';
import { LORA_SCALE, numberProblem } from './number-rules.mjs';
import { looksLikePath, pathOf, statOf } from './places.mjs';

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
 * @typedef {string | { folder: string, file: string, typed: string }} Place
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
 * @typedef {{ name: string, folder?: string, url?: string, typed: string }} Model A bundled name, a folder, or a
 *   reference that the engine reads. What was typed is for reports and messages, like the name: neither holds a secret.
 */

/**
 * @param {{ transformer?: string, 'text-encoder'?: string, vae?: string, lora?: string[], 'fast-decoder'?: string }} flags
 * @returns {Parts}
 */
export function partsOf(flags) {
  const { transformer, 'text-encoder': text, vae, lora = [], 'fast-decoder': fast } = flags;
  return {
    ...(transformer === undefined ? {} : { transformer: findPart('transformer', transformer) }),
    ...(text === undefined ? {} : { textEncoderFrom: findPart('text-encoder', text) }),
    ...(vae === undefined ? {} : { vae: findPart('vae', vae) }),
    ...(fast === undefined ? {} : { fastDecoder: findPart('fast-decoder', fast) }),
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
  return mapParts(parts, (place) =>
    typeof place === 'string' ? shownAddress(place) : place.typed,
  );
}

/**
 * @param {string} typed
 * @param {string[]} bundled
 * @returns {Model}
 */
export function findModel(typed, bundled) {
  if (bundled.includes(typed)) return { name: typed, typed };
  if (isAddress(typed)) {
    const shown = shownAddress(typed);
    return { name: shown, url: checkAddress('model', typed), typed: shown };
  }
  const folder = pathOf('model', typed);
  const found = statOf(folder);
  if (found?.isDirectory()) return { name: basename(folder) || 'model', folder, typed };
  if (found) {
    throw new UsageError(
      `--model: ${typed} is a file, and a model is a folder with a model_index.json.`,
      'A file goes with a model: --transformer, --vae, --text-encoder or --lora, as what it is.',
    );
  }
  if (!looksLikePath(typed) && isHubReference(typed)) return { name: typed, url: typed, typed };
  throw new UsageError(
    looksLikePath(typed)
      ? `--model: there is no folder ${shownTyped(typed)}.`
      : `--model: there is no bundled model and no folder “${shownTyped(typed)}”.`,
    `Bundled: ${bundled.join(', ') || 'none'}. Or give a folder with a model_index.json, or owner/name.`,
  );
}

/** @param {string} text */
function isAddress(text) {
  return /^https?:/i.test(text);
}

/**
 * @param {string} flag
 * @param {string} text
 */
function checkAddress(flag, text) {
  if (URL.canParse(text) && /^https?:\/\//i.test(text)) return text;
  throw new UsageError(
    `--${flag}: ${shownTyped(text)} is not a complete address.`,
    'An address is https://host/folder.',
  );
}

/** @param {string} text */
function isHubReference(text) {
  return /^[\w-][\w.-]*\/[\w-][\w.-]*(?:[@/][^?]*)?$/.test(text);
}

/**
 * The token comes from the environment alone: command lines are seen by others and kept in histories.
 * @param {string | undefined} revision
 * @param {Model} model
 * @returns {{ revision?: string, token?: string, hubUrl?: string }}
 */
export function hubOptions(revision, model) {
  const { HF_TOKEN: token, HF_ENDPOINT: hubUrl } = process.env;
  if (hubUrl && !/^https?:\/\//i.test(hubUrl)) {
    throw new UsageError(
      `The environment variable HF_ENDPOINT is “${shownTyped(hubUrl)}”, which is not an address.`,
      'Unset it, or give the address of a hub: https://…',
    );
  }
  if (revision !== undefined) checkRevision(revision, model, hubUrl || 'https://huggingface.co');
  return {
    ...(revision === undefined ? {} : { revision }),
    ...(token ? { token } : {}),
    ...(hubUrl ? { hubUrl } : {}),
  };
}

/**
 * @param {string} revision
 * @param {Model} model
 * @param {string} hubUrl
 */
function checkRevision(revision, { url, typed }, hubUrl) {
  const isOfHub = url !== undefined && (!isAddress(url) || url.startsWith(hubUrl));
  if (!isOfHub) {
    throw new UsageError(
      `--revision: ${typed} is not a repository of the hub, and only those have revisions.`,
      'Leave it out, or name the model as owner/name.',
    );
  }
  const [, other = revision] = /^[^@/]+\/[^@/]+@([^/]+)/.exec(url) ?? [];
  if (other === revision) return;
  throw new UsageError(
    `--revision: it is ${revision}, but the model is ${typed}.`,
    'Give the revision in one of the two places.',
  );
}

/** Endings of files that hold weights, which no repository's name has. */
const WEIGHTS_FILE = /\.(?:safetensors|gguf|pth?|bin|ckpt|onnx)$/i;

/**
 * @param {string} flag
 * @param {string} typed
 * @returns {Place}
 */
function findPart(flag, typed) {
  if (isAddress(typed)) return checkAddress(flag, typed);
  const path = pathOf(flag, typed);
  const found = statOf(path);
  if (found?.isDirectory()) return { folder: path, file: '', typed };
  if (found?.isFile()) return { folder: dirname(path), file: basename(path), typed };
  const isFileAlone = WEIGHTS_FILE.test(typed) && typed.split('/').length < 3;
  if (!looksLikePath(typed) && !isFileAlone && isHubReference(typed)) return typed;
  throw new UsageError(
    `--${flag}: there is no “${shownTyped(typed)}”.`,
    'Give a folder, a file, a URL or owner/name.',
  );
}

/** @param {string} text `place` or `place:scale`. */
function parseLora(text) {
  // Numbers that are no use as a scale are read too, so that the error is about the scale and not about the place.
  const [, place = text, scale] =
    /^(.*[^:/]):([+-]?(?:[\d.]+(?:e[+-]?\d+)?|infinity|nan))$/i.exec(text) ?? [];
  // The number after a host is its port.
  if (scale === undefined || /^[a-z]+:\/\/[^/]*$/.test(place)) {
    return { source: findPart('lora', text), scale: 1 };
  }
  const problem = numberProblem(Number(scale), LORA_SCALE);
  if (problem !== undefined) {
    throw new UsageError(
      `--lora: a scale of “${scale}” is not ${problem}.`,
      '1 is as trained, 0.5 half as much, and a negative scale takes away.',
    );
  }
  return { source: findPart('lora', place), scale: Number(scale) };
}
