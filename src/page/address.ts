/** @file The address that brings a form back, without its secrets. Loaded when one is asked for. */
import { findModel } from '../families/catalogue/entries.ts';
import { shownAddress } from '../weights/shown-address.mjs';
import { PLACES } from './address-fields.ts';
import { timesParameters } from './few-step-fields.ts';
import { memoryParameters } from './memory-fields.ts';
import { FOLDER } from './model-choice.ts';
import { scaledPlace } from './model-parts.ts';
import {
  addedParts,
  DEFAULT_MODEL,
  type NumberOption,
  NUMBERS,
  type Settings,
} from './settings.ts';

/** As links have it: without password, signature or token. */
function linkPlace(text: string): string {
  return text.startsWith(FOLDER) ? text : shownAddress(text, { mark: '' });
}

/** The address of the page without its secrets, as it may stay in the browser's history. */
export function publicAddress(href: string): string {
  const url = new URL(href);
  const before = [...url.searchParams];
  const after = before
    .filter(([name]) => name !== 'token')
    .map(([name, value]): [string, string] => [name, publicValue(name, value)]);
  if (JSON.stringify(after) === JSON.stringify(before)) return href;
  url.search = new URLSearchParams(after).toString();
  return url.href;
}

function publicValue(name: string, value: string): string {
  if (!PLACES.includes(name)) return value;
  if (name !== 'lora') return linkPlace(value);
  const { source, scale } = scaledPlace(value);
  return linkPlace(source) + (scale === undefined ? '' : `:${scale}`);
}

/** The address that brings this form back, but for what only its user may know. */
export function addressOf(settings: Settings): string {
  const { model, load, device, dtype, memory, storage, generate } = settings;
  const url = new URL(location.href);
  url.search = '';
  url.hash = '';
  const { prompt, negativePrompt, seed } = generate;
  url.searchParams.set('prompt', prompt);
  if (negativePrompt) url.searchParams.set('negative-prompt', negativePrompt);
  url.searchParams.set('seed', String(seed));
  for (const [option, id] of Object.entries(NUMBERS) as [NumberOption, string][]) {
    const value = generate[option];
    if (value !== undefined) url.searchParams.set(id, String(value));
  }
  for (const [name, value] of timesParameters(generate)) url.searchParams.set(name, value);
  if (generate.scheduler) url.searchParams.set('scheduler', generate.scheduler);
  if (model !== DEFAULT_MODEL) url.searchParams.set('model', model);
  const isListed = findModel(model) !== undefined;
  if (load.revision !== undefined && !isListed) url.searchParams.set('revision', load.revision);
  for (const [name, value] of addedParts(settings)) url.searchParams.append(name, value);
  if (device !== 'auto') url.searchParams.set('device', device);
  if (dtype !== 'auto') url.searchParams.set('dtype', dtype);
  if (storage) url.searchParams.set('storage', '');
  if (load.fastDecoder !== undefined) url.searchParams.set('fast-decoder', load.fastDecoder);
  if (generate.decode) url.searchParams.set('decode', generate.decode);
  for (const [name, value] of memoryParameters(memory)) url.searchParams.set(name, value);
  return publicAddress(url.href);
}
