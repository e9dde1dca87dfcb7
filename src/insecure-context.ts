/** @file Pages that browsers do not trust: opened by http:// from another machine. They get no WebGPU and no encoders. */

/** False in Node, which has no such notion. */
export function isInsecureContext(): boolean {
  const { isSecureContext } = globalThis as { isSecureContext?: boolean };
  return isSecureContext === false;
}

/** Begins a sentence about what is missing because of it. */
export const INSECURE = 'This page was opened by http:// from another machine';

export const OPEN_SECURELY =
  'Open it by an https:// address, or on the machine itself as http://localhost.';
