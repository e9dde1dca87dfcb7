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
  const wrong = Object.entries(options ?? {}).find(
    ([name, value]) =>
      value !== undefined &&
      (name === 'signal' || name === 'pause'
        ? !(value instanceof AbortSignal)
        : callbacks.includes(name) !== (typeof value === 'function')),
  );
  if (isObject && !wrong) return undefined;
  return import('./near-refusal.ts').then(({ refuseOption }) => {
    throw refuseOption(isObject ? wrong?.[0] : undefined, callbacks);
  });
}
