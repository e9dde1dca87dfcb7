/** @file What is said of callbacks and signals that are none; loaded when there is something to say. */
import { invalidArgument } from '../errors.ts';

/** @param name Of the option; without one, the options are no object. */
export function refuseOption(name: string | undefined, callbacks: readonly string[]): Error {
  if (name === undefined) {
    return invalidArgument('options', 'they are not an object.', 'Give { name: value, … }.');
  }
  if (name.includes('.')) {
    return invalidArgument(
      name,
      'callbacks and signals cannot be given here.',
      'Give them to the call itself, beside the other options.',
    );
  }
  if (name === 'signal' || name === 'pause') {
    return invalidArgument(
      name,
      'it is not an AbortSignal.',
      'Give the signal of an AbortController, or leave it out.',
    );
  }
  if (callbacks.includes(name)) {
    return invalidArgument(name, 'it is not a function.', 'Give a function, or leave it out.');
  }
  return invalidArgument(
    name,
    'there is no such callback or signal.',
    `There are ${['signal', ...callbacks].join(', ')}.`,
  );
}
