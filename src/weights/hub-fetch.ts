/** @file The rule for access tokens: to the hub itself, and nowhere else. */
import { invalidArgument } from '../errors.ts';
import { shownAddress } from './shown-address.mjs';

/** @throws ZoetropeError `invalid-argument`, without the token in the message. */
export function checkToken(token: string): string {
  const trimmed = token.trim();
  if (/^hf_[A-Za-z0-9_-]+$/.test(trimmed)) return trimmed;
  throw invalidArgument(
    'token',
    'this is no access token of the hub.',
    'It begins with hf_: copy it from https://huggingface.co/settings/tokens.',
  );
}

/**
 * The hub's address, without slashes at its end.
 * @throws ZoetropeError `invalid-argument` if it is not one, or holds a secret: the token alone says who asks.
 */
export function checkHubUrl(hubUrl: string): string {
  const url = URL.canParse(hubUrl) ? new URL(hubUrl) : undefined;
  const isPlain =
    (url?.protocol === 'https:' || url?.protocol === 'http:') &&
    url.username + url.password + url.search + url.hash === '';
  if (isPlain) return hubUrl.trim().replace(/\/+$/, '');
  throw invalidArgument(
    'hubUrl',
    `“${shownAddress(hubUrl)}” is not the plain address of a hub.`,
    'Give its https:// address without name, password and query, and the access token as token.',
  );
}

/**
 * A `fetch` that sends the token to the hub's own origin only. At a redirect to another origin `fetch` itself drops
 * the `Authorization` header, as its specification says (https://fetch.spec.whatwg.org/#http-redirect-fetch).
 */
export function hubFetch(
  hubUrl: string,
  token: string | undefined,
  send: typeof fetch = globalThis.fetch.bind(globalThis),
): typeof fetch {
  const { origin } = new URL(hubUrl);
  return (input, init) => {
    const headers = new Headers(init?.headers);
    headers.delete('Authorization');
    const url = new URL(input instanceof Request ? input.url : input);
    if (token !== undefined && url.origin === origin) {
      headers.set('Authorization', `Bearer ${token}`);
    }
    return send(input, { ...init, headers, credentials: 'omit' });
  };
}
