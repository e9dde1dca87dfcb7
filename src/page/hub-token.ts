/** @file The hub's access token: for gated models only, in the field and nowhere else unless it is to be remembered. */
import { checkToken } from '../weights/hub-fetch.ts';
import { input } from './elements.ts';

const KEY = 'hub-token';

export function setUpToken(): void {
  const token = input('token');
  const remember = input('remember-token');
  const remembered = read();
  if (remembered !== null) {
    token.value = remembered;
    remember.checked = true;
  }
  const keep = (): void => write(remember.checked && token.value !== '' ? token.value : undefined);
  token.addEventListener('change', keep);
  remember.addEventListener('change', keep);
}

function read(): string | null {
  try {
    const token = localStorage.getItem(KEY);
    return token === null ? null : checkToken(token);
  } catch {
    // Storage can be switched off, or hold something else under this name: nothing is remembered then.
    return null;
  }
}

function write(token: string | undefined): void {
  try {
    if (token === undefined) localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, token);
  } catch {
    // As above.
  }
}
