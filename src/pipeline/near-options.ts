/** @file Options that stay on the page's side of the worker: callbacks and signals. The worker checks all others. */
import { invalidArgument } from '../errors.ts';

/**
 * @param callbacks Names of the options that are functions.
 * @throws ZoetropeError `invalid-argument` for a callback or a signal of another type, and for functions elsewhere, which
 *   cannot be sent to the worker.
 */
export function checkNearOptions(options: object, callbacks: readonly string[] = []): void {
  if (typeof options !== 'object' || options === null) {
    throw invalidArgument('options', 'they are not an object.', 'Give { name: value, … }.');
  }
  for (const [name, value] of Object.entries(options)) {
    const isFunction = typeof value === 'function';
    if (callbacks.includes(name)) {
      if (isFunction || value === undefined) continue;
      throw invalidArgument(name, 'it is not a function.', 'Give a function, or leave it out.');
    }
    if (name === 'signal' || name === 'pause') {
      if (value === undefined || value instanceof AbortSignal) continue;
      throw invalidArgument(
        name,
        'it is not an AbortSignal.',
        'Give the signal of an AbortController, or leave it out.',
      );
    }
    if (!isFunction) continue;
    const known = ['signal', ...callbacks].join(', ');
    throw invalidArgument(name, 'there is no such callback.', `There are ${known}.`);
  }
}
