/** @file Tells what an onnxruntime, WebAssembly or WebGPU error means to a user. */
import { describeUnknown } from '../describe-unknown.ts';
import { ZoetropeError } from '../errors.ts';
import { isNotStarted, notLoaded } from './ort.ts';

const MEMORY =
  /out of memory|allocation failed|(failed to|could not|cannot) allocate|bad_alloc|OOM\b|GPUOutOfMemoryError/i;

/** What browsers say of a file that did not arrive. */
const NOT_FETCHED = /fetch|NetworkError|load failed|importing a module|imported module/i;

/** What WebAssembly throws when a module reads past its memory or gives up. */
const TRAP = /out of bounds|unreachable/i;

export interface FailurePlace {
  readonly device: 'webgpu' | 'wasm';
  /** Whether the runtime's memory has no room left to grow: then a trap is taken for lack of memory. */
  readonly isFull?: boolean;
}

/** Wraps a failure of the runtime, telling lack of memory from a graph that cannot run here. */
export function runtimeFailure(
  message: string,
  cause: unknown,
  { device, isFull = false }: FailurePlace,
): ZoetropeError {
  if (cause instanceof ZoetropeError) return cause;
  const text = describeCause(cause);
  if (MEMORY.test(text) || (isFull && (TRAP.test(text) || !(cause instanceof Error)))) {
    return new ZoetropeError(
      'out-of-memory',
      `${message} There was not enough memory: ${text}`,
      'Choose a smaller size or fewer frames, or close other pages.',
      { cause },
    );
  }
  if (isNotStarted(cause) && NOT_FETCHED.test(text)) return notLoaded(text, cause);
  return new ZoetropeError('feature-missing', `${message} ${text}`, HINTS[device], { cause });
}

const HINTS = {
  webgpu: 'Try the wasm device, and report this with the name of your GPU.',
  wasm: 'Try a smaller size or fewer frames, and report this with the name of your browser.',
} as const;

/**
 * A cause in words. Compiled C++ throws numbers, which point at exceptions that cannot be read any more, and an object
 * without a message says nothing to a user either.
 */
function describeCause(cause: unknown): string {
  const text = typeof cause === 'number' ? '' : describeUnknown(cause);
  return /^[a-z]/i.test(text) ? text : 'onnxruntime stopped with an internal error.';
}
