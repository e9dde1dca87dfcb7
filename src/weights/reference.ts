/**
 * @file What a person writes to say where a checkpoint is: a hub repository, a base URL, or a folder that was picked.
 * Only read here, never fetched.
 */
import { invalidArgument } from '../errors.ts';
import type { FolderFiles } from './files-source.ts';
import { shownAddress } from './shown-address.mjs';

/**
 * - `owner/name`, `owner/name@revision`, `owner/name/path/in/repository`: a repository of the Hugging Face hub. The
 *   address of its page does too.
 * - `https://…`, `/…`, `./…`, `../…`: the URL of a folder, or of a file. Its query, and a name and a password in it, are
 *   sent to its server alone, and stand in no report and no message.
 * - The files of a folder that was dropped or picked.
 */
export type ModelReference = string | FolderFiles;

export const HUB_URL = 'https://huggingface.co';

/** A repository of the hub, or a folder or file in it. */
export interface HubReference {
  readonly kind: 'hub';
  /** `owner/name`. */
  readonly repository: string;
  /** Branch, tag or commit; undefined: the default branch. */
  readonly revision: string | undefined;
  /** In the repository, without slashes at the ends; '' for its root. */
  readonly path: string;
}

export interface UrlReference {
  readonly kind: 'url';
  readonly url: URL;
}

const NAME = String.raw`[A-Za-z0-9][\w.-]{0,95}`;
const HUB = new RegExp(`^(${NAME}/${NAME})(?:@(refs/pr/\\d+|[^@/\\s]+))?(?:/(.*))?$`);
const HUB_PAGE = new RegExp(
  `^/(${NAME}/${NAME})(?:/(?:tree|blob|resolve)/(refs%2Fpr%2F\\d+|refs/pr/\\d+|[^/]+)(?:/(.*))?)?/?$`,
);

/**
 * @param options.base What relative URLs are relative to; absent: they are refused.
 * @param options.hubUrl Whose pages' addresses name repositories.
 * @param options.option What errors call the reference; default: `model`.
 * @throws ZoetropeError `invalid-argument`.
 */
export function parseReference(
  reference: string,
  options: {
    base?: string | undefined;
    hubUrl?: string | undefined;
    option?: string | undefined;
  } = {},
): HubReference | UrlReference {
  const { base, hubUrl = HUB_URL, option = 'model' } = options;
  const text = reference.trim();
  const isUrl = /^[a-z][a-z\d+.-]*:/i.test(text);
  if (isUrl || /^\.{0,2}\//.test(text)) {
    const url = parseUrl(text, base, option);
    return hubPage(url, hubUrl, option) ?? { kind: 'url', url };
  }
  const [, repository, revision, path = ''] = HUB.exec(text) ?? [];
  if (repository === undefined) {
    throw invalidArgument(
      option,
      `“${shownAddress(text)}” names neither a repository nor a folder.`,
      howTo(text),
    );
  }
  return { kind: 'hub', repository, revision, path: checkPath(path, text, option) };
}

/** The reference with nothing left that depends on the page it was written on. */
export function resolveReference<T extends ModelReference>(reference: T, base: string): T | string {
  if (typeof reference !== 'string' || !/^\.{0,2}\//.test(reference.trim())) return reference;
  return parseUrl(reference.trim(), base, 'model').href;
}

function parseUrl(text: string, base: string | undefined, option: string): URL {
  const url = URL.canParse(text, base) ? new URL(text, base) : undefined;
  if (url?.protocol === 'https:' || url?.protocol === 'http:') return url;
  throw invalidArgument(
    option,
    `“${shownAddress(text)}” is no address that can be fetched.`,
    url || base !== undefined
      ? 'Give an address that begins with https:// or http://.'
      : 'There is no page that it could be relative to: give the whole address.',
  );
}

/** `https://huggingface.co/owner/name/tree/main/transformer` as the repository that it shows. */
function hubPage(url: URL, hubUrl: string, option: string): HubReference | undefined {
  if (url.origin !== new URL(hubUrl).origin) return undefined;
  const [, repository, revision, path = ''] = HUB_PAGE.exec(url.pathname) ?? [];
  if (repository === undefined || repository.startsWith('api/')) return undefined;
  return {
    kind: 'hub',
    repository,
    revision: revision === undefined ? undefined : decodeURIComponent(revision),
    path: checkPath(decodeURIComponent(path), url.href, option),
  };
}

function checkPath(path: string, reference: string, option: string): string {
  const parts = path.split('/').filter((part) => part !== '');
  if (parts.some((part) => part === '.' || part === '..')) {
    throw invalidArgument(
      option,
      `the path of “${shownAddress(reference)}” leaves the repository.`,
      'Name a folder or a file in the repository.',
    );
  }
  return parts.join('/');
}

function howTo(reference: string): string {
  const text = shownAddress(reference);
  return /^[\w.-]+$/.test(text)
    ? `Write owner/${text} for a repository of the Hugging Face hub, or ./${text} for a folder beside the page.`
    : 'Write owner/name for a repository of the Hugging Face hub, or the https:// address of a folder.';
}
