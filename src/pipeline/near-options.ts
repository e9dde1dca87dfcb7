/** @file Options that stay on the page's side of the worker: callbacks and signals. The worker checks all others. */

/**
 * @param callbacks Names of the options that are functions.
 * @throws ZoetropeError `invalid-argument` for a callback or a signal of another type, and for functions elsewhere, which
 *   cannot be sent to the worker.
 */
export async function checkNearOptions(
  options: object | null,
  ...callbacks: readonly string[]
): Promise<void> {
  const isObject = Object(options) === options;
  const wrong = Object.entries(options ?? {}).find(
    ([name, value]) =>
      value !== undefined &&
      (name === 'signal' || name === 'pause'
        ? !(value instanceof AbortSignal)
        : callbacks.includes(name) !== (typeof value === 'function')),
  );
  if (isObject && !wrong) return;
  const { refuseOption } = await import('./near-refusal.ts');
  throw refuseOption(isObject ? wrong?.[0] : undefined, callbacks);
}
