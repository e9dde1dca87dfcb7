/**
 * @file An address without its secrets. A query may be a signature or a token, and a user's name or password may stand
 * before the host: none of them belongs in a message, a report, a link, a file or a record.
 *
 * JavaScript, because the commands use it too, before anything can compile TypeScript; `shown-address.d.mts` has its types.
 */

/** What replaces a secret. */
const HIDDEN = '…';

/** An access token of the hub: wherever it stands, by mistake too. */
const TOKEN = /\bhf_[A-Za-z0-9]{30,}/g;

/**
 * The address with its origin and path only; any other text that has no secret is unmodified.
 * @param {string} text What was typed: an address, a path, a repository's name.
 * @param {{ mark?: string }} [options] `mark`: what a query leaves behind.
 * @returns {string}
 */
export function shownAddress(text, { mark = `?${HIDDEN}` } = {}) {
  return withoutQuery(withoutUser(text), mark).replaceAll(TOKEN, `hf_${HIDDEN}`);
}

/**
 * A text with every address in it shown as {@link shownAddress} shows it.
 * @param {string} text
 * @returns {string}
 */
export function shownText(text) {
  return text
    .replaceAll(/[a-z][a-z\d+.-]*:\/\/[^\s"'“”‘’<>]+/gi, (address) => shownAddress(address))
    .replaceAll(TOKEN, `hf_${HIDDEN}`);
}

/** @param {string} text */
function withoutUser(text) {
  const [scheme = ''] = /^\s*[a-z][a-z\d+.-]*:/i.exec(text) ?? [];
  if (scheme === '' && !/^\s*[/\\]{2}/.test(text)) return text;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url && url.host !== '') {
    const { username, password, host, pathname, search, hash, protocol } = url;
    return username + password === '' ? text : `${protocol}//${host}${pathname}${search}${hash}`;
  }
  const end = text.lastIndexOf('@');
  if (end < 0) return text;
  // `user:password@host/path` is an address whose scheme is the user's name.
  const start = url ? '' : (/^\s*(?:[a-z][a-z\d+.-]*:)?[/\\]*/i.exec(text)?.[0] ?? '');
  // Whether that @ ends a password with a question mark in it, or stands in a query, cannot be known: all of it goes.
  return start + (/[?#]/.test(text.slice(0, end)) ? HIDDEN : text.slice(end + 1));
}

/**
 * @param {string} text
 * @param {string} mark
 */
function withoutQuery(text, mark) {
  const start = text.search(/[?#]/);
  if (start < 0) return text;
  return text.slice(0, start) + (text.includes('?') ? mark : '');
}
