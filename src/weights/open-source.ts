/** @file From what a person writes to where the bytes are. */
import { invalidArgument } from '../errors.ts';
import { FilesSource } from './files-source.ts';
import { HttpSource } from './http-source.ts';
import { checkHubUrl } from './hub-fetch.ts';
import { HubSource } from './hub-source.ts';
import { LoneFile } from './lone-file.ts';
import { type ModelReference, parseReference } from './reference.ts';
import { shownAddress } from './shown-address.mjs';
import type { FileSource } from './source.ts';
import { isWeightsFile } from './what-is-it.ts';

export type { FolderFiles } from './files-source.ts';
export { type ModelReference, resolveReference } from './reference.ts';

export interface SourceOptions {
  /** Branch, tag or commit of a hub repository; default: what the reference says, or the default branch. */
  revision?: string | undefined;
  /** A hub access token, for gated and private repositories. Only ever sent to the hub itself. */
  token?: string | undefined;
  /** Another hub than huggingface.co that speaks its protocol. */
  hubUrl?: string | undefined;
  /** Stands in for the global `fetch`. */
  fetch?: typeof fetch | undefined;
  /** What errors call the reference; default: `model`. */
  option?: string | undefined;
}

/**
 * A folder of files. Nothing is fetched yet.
 * @throws ZoetropeError `invalid-argument` if the reference cannot be read.
 */
export function openSource(reference: ModelReference, options: SourceOptions = {}): FileSource {
  if (typeof reference !== 'string') {
    refuseRevision(options);
    return new FilesSource(reference);
  }
  const lone = fileOf(reference);
  // A model is a folder: a file says what it is when it is opened.
  if (lone) return new LoneFile(openSource(lone.folder, options), lone.path);
  const { fetch, token, option } = options;
  const hubUrl = options.hubUrl === undefined ? undefined : checkHubUrl(options.hubUrl);
  const parsed = parseReference(reference, { base: pageUrl(), hubUrl, option });
  if (parsed.kind === 'url') {
    refuseRevision(options);
    return new HttpSource(parsed.url.href, { fetch });
  }
  const { revision } = options;
  if (revision !== undefined && parsed.revision !== undefined && revision !== parsed.revision) {
    throw invalidArgument(
      'revision',
      `it is ${revision}, but the model is ${shownAddress(reference)}.`,
      'Give the revision in one of the two places.',
    );
  }
  const chosen = { ...parsed, revision: revision ?? parsed.revision };
  return new HubSource(chosen, { fetch, hubUrl, token });
}

/**
 * A file with weights, and the folder it is in. `path` is '' if the reference does not name a file: then it is the
 * folder, in which the caller looks for a name it knows.
 * @throws ZoetropeError `invalid-argument` as {@link openSource}.
 */
export function openFile(
  reference: ModelReference,
  options: SourceOptions = {},
): { source: FileSource; path: string } {
  if (typeof reference !== 'string') {
    const weights = reference.files.filter(({ path }) => isWeightsFile(path));
    const safetensors = weights.filter(({ path }) => path.endsWith('.safetensors'));
    const files = safetensors.length > 0 ? safetensors : weights;
    const [only] = files.length === 1 ? files : [];
    return { source: openSource(reference, options), path: only?.path ?? '' };
  }
  const file = fileOf(reference);
  if (!file) return { source: openSource(reference, options), path: '' };
  return { source: openSource(file.folder, options), path: file.path };
}

/** The file with weights that a reference names. A query stays with the folder's address. */
function fileOf(reference: string): { folder: string; path: string } | undefined {
  const [, folder, path = '', query = ''] =
    /^(.*\/)([^/?#]+)(\?[^#]*)?$/.exec(reference.trim()) ?? [];
  if (folder === undefined || !isWeightsFile(path)) return undefined;
  // `owner/name.bin` is a repository.
  if (/^[^./:][^/:]*\/$/.test(folder)) return undefined;
  return { folder: folder + query, path };
}

function refuseRevision({ revision }: SourceOptions): void {
  if (revision === undefined) return;
  throw invalidArgument(
    'revision',
    'only repositories of the hub have revisions.',
    'Leave it out, or name the model as owner/name.',
  );
}

/** Of the page, or of its worker's script. */
function pageUrl(): string | undefined {
  return (globalThis as { location?: { href: string } }).location?.href;
}
