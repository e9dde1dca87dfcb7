/** @file Tells what an onnxruntime or WebGPU error means to a user. */
import { ZoetropeError } from '../errors.ts';

const MEMORY = /out of memory|allocation failed|bad_alloc|OOM\b|GPUOutOfMemoryError/i;

/** Wraps a failure of the runtime, telling lack of memory from a graph that cannot run here. */
export function runtimeFailure(message: string, cause: unknown): ZoetropeError {
  if (cause instanceof ZoetropeError) return cause;
  const text = cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause);
  if (MEMORY.test(text)) {
    return new ZoetropeError(
      'out-of-memory',
      `${message} There was not enough memory: ${text}`,
      'Choose a smaller size or fewer frames, or close other pages.',
      { cause },
    );
  }
  return new ZoetropeError(
    'feature-missing',
    `${message} ${text}`,
    'Try the wasm device, and report this with the name of your GPU.',
    { cause },
  );
}
