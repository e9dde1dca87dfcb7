/** @file What a call on something that is gone says: the same on both sides of the worker boundary. */
import { ZoetropeError } from '../errors.ts';

export function disposedPipeline(): ZoetropeError {
  return new ZoetropeError(
    'invalid-argument',
    'This pipeline was disposed of.',
    'Call VideoPipeline.fromPretrained again.',
  );
}

export function disposedResult(): ZoetropeError {
  return new ZoetropeError(
    'invalid-argument',
    'This clip was disposed of.',
    'Generate it again: the same seed makes the same clip.',
  );
}

export function lostResult(): ZoetropeError {
  return new ZoetropeError(
    'worker-lost',
    'The frames of this clip were lost when the worker ended.',
    'Generate it again: the same seed makes the same clip.',
  );
}
