/** @file The rule for access tokens: to the hub itself, and nowhere else. */
import { invalidArgument } from '../errors.ts';

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
