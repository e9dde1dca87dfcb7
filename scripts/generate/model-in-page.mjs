/** @file The model of a request as the page reads it: from the command's own server, as far as it is on this machine. */
import { mapParts } from '../model-arguments.mjs';
import { isFileOrItsConfiguration, isModelFile } from '../model-files.mjs';
import { typedNames } from '../typed-names.mjs';
import { DrivenPage, orThrow } from './driven-page.mjs';
import { loadInPage } from './in-page.mjs';

/** @typedef {import('./arguments.mjs').Request} Request */
/** @typedef {import('@playwright/test').Page} Page */

/**
 * @param {Request} request
 * @param {Page} page
 * @param {string} baseUrl
 */
export async function loadModel(request, page, baseUrl) {
  const { memory, generate } = request;
  const { source, load } = modelInPage(request, baseUrl);
  // RAM is a cache of what is in storage.
  const storage = memory !== 'auto' && memory.ramBytes !== undefined;
  const answer = await page.evaluate(loadInPage, {
    source,
    load: { ...load, storage, clip: generate },
  });
  return new DrivenPage(page, request, orThrow(answer).seconds);
}

/**
 * @param {Request} request
 * @param {string} baseUrl
 */
export function modelInPage({ model, hub, parts, device, dtype, memory }, baseUrl) {
  return {
    source: model.url ?? addressOf(model, baseUrl),
    load: { ...partsFrom(parts, baseUrl), ...hub, device, dtype, memory },
  };
}

/**
 * @param {Request['model']} model
 * @param {string} baseUrl
 */
function addressOf({ name, folder }, baseUrl) {
  return `${baseUrl}${folder === undefined ? 'models' : FOLDERS}/${encodeURIComponent(name)}`;
}

/** Apart from the bundled models: what a folder lacks must not come from one that has its name. */
const FOLDERS = 'folders';

/**
 * Where the server has the parts that are on this machine; all others are where they are.
 * @param {Request['parts']} parts
 * @param {string} baseUrl
 */
function partsFrom(parts, baseUrl) {
  return mapParts(parts, (place, name) =>
    typeof place === 'string' ? place : `${baseUrl}parts/${name}/${encodeURIComponent(place.file)}`,
  );
}

/**
 * The folders that the server has besides the page.
 * @param {Request} request
 */
export function servedFolders({ model: { name, folder }, parts }) {
  /** @type {import('../file-handler.mjs').FolderOptions[]} */
  const served = [];
  if (folder !== undefined) {
    served.push({ prefix: `/${FOLDERS}/${name}/`, root: folder, allows: isModelFile });
  }
  mapParts(parts, (place, part) => {
    if (typeof place === 'string') return;
    const allows = place.file === '' ? isModelFile : isFileOrItsConfiguration(place.file);
    served.push({ prefix: `/parts/${part}/`, root: place.folder, allows });
  });
  return served;
}

/**
 * What the user typed for what the server has.
 * @param {Request} request
 * @param {string} baseUrl
 */
export function namesOf({ model, parts }, baseUrl) {
  const served = [];
  if (model.url === undefined) {
    served.push({ at: addressOf(model, baseUrl), typed: model.typed });
  }
  mapParts(parts, (place, name) => {
    if (typeof place === 'string') return;
    const { typed, file } = place;
    served.push({ at: `${baseUrl}parts/${name}`, typed, ...(file === '' ? {} : { file }) });
  });
  return typedNames(served);
}
