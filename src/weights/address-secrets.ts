/**
 * @file The secrets of an address. `fetch` refuses an address with a user's name and password in it, and its error
 * repeats them: so they travel in a header, as browsers send them for a page.
 */
import { deserializeError, serializeError } from '../errors.ts';

export interface Address {
  /** Without secrets. */
  readonly folder: string;
  /** With its question mark; '' if there is none. */
  readonly query: string;
  /** Value of the `Authorization` header. */
  readonly login?: string;
  /** Texts that nothing that leaves may hold. */
  readonly secrets: readonly string[];
}

/** Shorter ones are words such as `true`, which occur in any message, and protect nothing. */
const SHORTEST_SECRET = 6;

/** @param text An absolute address; any other has no secrets but a query. */
export function readAddress(text: string): Address {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url) {
    const [folder = ''] = text.split(/[?#]/, 1);
    const [query = ''] = /\?[^#]*/.exec(text) ?? [];
    return { folder, query, secrets: secretsOf(query, []) };
  }
  const { username, password, search } = url;
  const folder = `${url.protocol}//${url.host}${url.pathname}`;
  if (username + password === '') return { folder, query: search, secrets: secretsOf(search, []) };
  const user = decoded(username);
  const secret = decoded(password);
  const login = base64(`${user}:${secret}`);
  const secrets = secretsOf(search, [login, password, secret]);
  return { folder, query: search, login: `Basic ${login}`, secrets };
}

/** A `fetch` that says who asks. At a redirect to another origin `fetch` itself drops the header. */
export function sendingLogin(
  login: string | undefined,
  send: typeof fetch = globalThis.fetch.bind(globalThis),
): typeof fetch {
  if (login === undefined) return send;
  return (input, init) => {
    const headers = new Headers(init?.headers);
    headers.set('Authorization', login);
    return send(input, { ...init, headers });
  };
}

/** The same failure, its stack and its causes without the secrets: a `fetch` may repeat what it was asked for. */
export function withoutSecrets(cause: unknown, secrets: readonly string[]): unknown {
  if (secrets.length === 0) return cause;
  const hide = (_: string, value: unknown): unknown =>
    typeof value === 'string'
      ? secrets.reduce((text, secret) => text.replaceAll(secret, '…'), value)
      : value;
  const plain = JSON.parse(JSON.stringify(serializeError(cause)), hide);
  return deserializeError(plain as ReturnType<typeof serializeError>);
}

/** The longest first, since one may be a part of another. */
function secretsOf(query: string, others: readonly string[]): string[] {
  const values = query
    .slice(1)
    .split('&')
    .map((each) => each.slice(each.indexOf('=') + 1));
  return [query.slice(1), ...values, ...values.map(decoded), ...others]
    .filter(({ length }) => length >= SHORTEST_SECRET)
    .sort((a, b) => b.length - a.length);
}

/** As it was typed, if it has a stray percent sign. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function base64(text: string): string {
  return btoa(String.fromCharCode(...new TextEncoder().encode(text)));
}
