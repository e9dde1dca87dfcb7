/**
 * @file Every failure that a caller can act on is a `ZoetropeError` with a stable `code`. Cancelling is not a failure:
 * it rejects with the platform's own `AbortError`.
 */
import { nameAndMessage } from './describe-unknown.ts';

/** Stable codes, fit for a `switch` and for documentation links. */
export type ErrorCode =
  /** WebGPU was asked for, and there is none or no adapter. */
  | 'webgpu-unavailable'
  /** The browser or the device lacks what is needed. */
  | 'feature-missing'
  /** The GPU was lost: the next call opens it again. */
  | 'device-lost'
  /** A budget, the device or WebAssembly has no room. */
  | 'out-of-memory'
  /** A weight, or what a part of a run made, is NaN, infinite or far too large. */
  | 'non-finite'
  /** The worker has ended, and the loaded model with it. */
  | 'worker-lost'
  /** The browser gives no more room for stored models. */
  | 'storage-full'
  /** What was stored was cleared or evicted while it was in use. */
  | 'storage-lost'
  /** Storage cannot be opened now: a newer version of the page, another tab, no access. */
  | 'storage-unavailable'
  /** A checkpoint, configuration or LoRA is damaged, incomplete or of another layout. */
  | 'model-format'
  /** A server does not answer, or answers something else than it lists. */
  | 'network'
  /** An option is wrong; the message begins with its name. */
  | 'invalid-argument';

export class ZoetropeError extends Error {
  override name = 'ZoetropeError';
  /** Stable, machine-readable kind of failure. */
  readonly code: ErrorCode;
  /** What the user can do about it, as one readable sentence. */
  readonly hint: string;

  constructor(code: ErrorCode, message: string, hint: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
    this.hint = hint;
  }
}

/** A problem with what the caller asked for. `argument` names the offending option in camelCase. */
export function invalidArgument(argument: string, message: string, hint: string): ZoetropeError {
  return new ZoetropeError('invalid-argument', `${argument}: ${message}`, hint);
}

/** A checkpoint that is damaged, incomplete, or not of the layout its files claim. */
export function modelFormat(message: string, hint: string, cause?: unknown): ZoetropeError {
  return new ZoetropeError(
    'model-format',
    message,
    hint,
    cause === undefined ? undefined : { cause },
  );
}

/** Whether something thrown means that the caller cancelled. */
export function isAbortError(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'AbortError';
}

export interface SerializedError {
  readonly name: string;
  readonly message: string;
  readonly stack?: string;
  readonly code?: ErrorCode;
  readonly hint?: string;
  readonly cause?: SerializedError;
}

/** Causes of causes, at the most: an error may be its own cause. */
const MOST_CAUSES = 8;

/** A structured-cloneable form: comlink's own keeps only message, name and stack. It never throws. */
export function serializeError(error: unknown, mostCauses = MOST_CAUSES): SerializedError {
  const base = nameAndMessage(error);
  try {
    if (!(error instanceof Error || error instanceof DOMException)) return base;
    const { stack, cause } = error;
    return {
      ...base,
      ...(stack === undefined ? {} : { stack }),
      ...(error instanceof ZoetropeError ? { code: error.code, hint: error.hint } : {}),
      ...(cause === undefined || mostCauses === 0
        ? {}
        : { cause: serializeError(cause, mostCauses - 1) }),
    };
  } catch {
    // A proxy, or a getter that throws.
    return base;
  }
}

/** The inverse of {@link serializeError}: `instanceof ZoetropeError`, `code`, `hint` and `cause` survive. */
export function deserializeError(serialized: SerializedError): Error {
  const { name, message, stack, code, hint, cause } = serialized;
  const options = cause === undefined ? undefined : { cause: deserializeError(cause) };
  if (name === 'AbortError') return new DOMException(message, 'AbortError');
  const error =
    code === undefined
      ? new Error(message, options)
      : new ZoetropeError(code, message, hint ?? '', options);
  if (code === undefined) error.name = name;
  if (stack !== undefined) error.stack = stack;
  return error;
}
