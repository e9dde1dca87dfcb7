/** @file What a person may call a model here: an entry of the catalogue, or whatever the library takes. */
import { invalidArgument } from '../errors.ts';
import { findModel } from '../families/catalogue/entries.ts';
import type { ModelEntry } from '../families/catalogue/model-entry.ts';
import { HUB_URL, parseReference } from '../weights/reference.ts';
import { shownAddress } from '../weights/shown-address.mjs';

export interface ModelChoice {
  /** As the library takes it. */
  readonly source: string;
  readonly entry?: ModelEntry;
  /** Where a person reads about it; absent for a folder's address. */
  readonly page?: string;
  /** Another machine: it is asked nothing until the user says so. */
  readonly isRemote: boolean;
}

/** A folder of the user's own, as sources of such files are named. */
export const FOLDER = 'folder:';
/** A folder beside the bundled model. */
const BUNDLED = /^[\w-][\w.-]*$/;

/**
 * @param base The page's address.
 * @throws ZoetropeError `invalid-argument` for what is none.
 */
export function readModelChoice(text: string, base: string): ModelChoice {
  const name = text.trim();
  const entry = findModel(name);
  if (entry) return { ...readSource(entry.source, base), entry };
  if (name === '') {
    throw invalidArgument(
      'model',
      'there is none.',
      'Choose one, or paste a name like owner/name.',
    );
  }
  if (name.startsWith(FOLDER)) return { source: name, isRemote: false };
  return readSource(BUNDLED.test(name) ? `./models/${name}` : name, base);
}

/** The name of a model as the page says it: an address without its secrets. */
export function shownPlace(text: string): string {
  return text.startsWith(FOLDER) ? text : shownAddress(text);
}

function readSource(source: string, base: string): ModelChoice {
  const reference = parseReference(source, { base });
  const isRemote = hostOf(source, base) !== undefined;
  if (reference.kind === 'hub') {
    return { source, page: `${HUB_URL}/${reference.repository}`, isRemote };
  }
  return { source: reference.url.href, isRemote };
}

/**
 * The machine that would be asked for the files; undefined for this one and for the page's own.
 * @throws ZoetropeError `invalid-argument` for what is no reference.
 */
export function hostOf(source: string, base: string): string | undefined {
  if (source.startsWith(FOLDER)) return undefined;
  const reference = parseReference(source, { base });
  if (reference.kind === 'hub') return new URL(HUB_URL).host;
  const { host, origin } = reference.url;
  return origin === new URL(base).origin ? undefined : host;
}
