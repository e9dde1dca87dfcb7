/** @file Options that stay on the page's side of the worker: callbacks and signals. The worker checks all others. */

/**
 * Undefined if all is well, at once: nothing may come between a call and its beginning.
 * @param callbacks Names of the options that are functions.
 * @returns What rejects with a ZoetropeError `invalid-argument`, for a callback or a signal of another type, and for
 *   functions elsewhere, which cannot be sent to the worker.
 */
export function refuseNear(
  options: object | null,
  ...callbacks: readonly string[]
): Promise<never> | undefined {
  const isObject = Object(options) === options;
  const wrong = wrongName(Object(options) as object, callbacks);
  if (isObject && wrong === undefined) return undefined;
  return import('./near-refusal.ts').then(({ refuseOption }) => {
    throw refuseOption(isObject ? wrong : undefined, callbacks);
  });
}

function wrongName(options: object, callbacks: readonly string[]): string | undefined {
  for (const [name, value] of Object.entries(options) as [string, unknown][]) {
    if (value === undefined) continue;
    const isRight =
      name === 'signal' || name === 'pause'
        ? value instanceof AbortSignal
        : !(value instanceof AbortSignal) &&
          callbacks.includes(name) === (typeof value === 'function');
    if (!isRight) return name;
    // Options of a call that is made later, perhaps from the same object.
    if (name !== 'clip' && name !== 'encode') continue;
    const inner = Object.entries(Object(value) as object).find(
      ([, each]) => typeof each === 'function' || each instanceof AbortSignal,
    );
    if (inner) return `${name}.${inner[0]}`;
  }
  return undefined;
}
