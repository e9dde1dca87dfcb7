/** @file Words for whatever was thrown: not everything that is thrown is an `Error`, and no text may hold `[object …]`. */

const LONGEST_TEXT = 500;
const MOST_CAUSES = 4;

/** A text for people. It never throws, never is empty, and never holds `[object …]`. */
export function describeUnknown(value: unknown): string {
  const text = describe(value, MOST_CAUSES).trim();
  // An `Error` that was made of an object has such a text as its message.
  return text.replaceAll(/\[object (\w+)\]/g, 'an object of type $1') || 'an unknown error';
}

/** Name and message, whatever it is. GPU errors, say, have both and are not of the class `Error`. */
export function nameAndMessage(value: unknown): { name: string; message: string } {
  const message = textOf(value, 'message');
  if (message === '' && !isErrorLike(value)) {
    return { name: 'Error', message: describeUnknown(value) };
  }
  return { name: nameOf(value), message: message === '' ? '' : describeUnknown(message) };
}

function nameOf(value: unknown): string {
  const name = textOf(value, 'name');
  if (name !== '') return name;
  const type = typeOf(value);
  return type === '' || type === 'Object' ? 'Error' : type;
}

function describe(value: unknown, depth: number): string {
  switch (typeof value) {
    case 'string':
      return value;
    case 'number':
    case 'bigint':
    case 'boolean':
      return `the value ${value}`;
    case 'symbol':
      return value.toString();
    case 'function':
      return `the function ${textOf(value, 'name')}`;
    default:
      return value === null || value === undefined ? '' : describeObject(value, depth);
  }
}

function describeObject(value: object, depth: number): string {
  const message = textOf(value, 'message');
  if (message !== '') {
    const name = nameOf(value);
    const isTold = name === 'Error' || name === 'ZoetropeError' || name.endsWith('Event');
    return isTold ? message : `${name}: ${message}`;
  }
  // What an ErrorEvent, a PromiseRejectionEvent or a GPUUncapturedErrorEvent is about.
  const inner = read(value, 'error') ?? read(value, 'reason');
  if (inner !== undefined && inner !== null && depth > 0) return describe(inner, depth - 1);
  if (isErrorLike(value)) return nameOf(value);
  const type = textOf(value, 'type');
  const kind = typeOf(value);
  if (kind.endsWith('Event')) return type === '' ? kind : `${kind} “${type}”`;
  return (
    json(value) ?? (kind === '' ? 'an object that cannot be read' : `an object of type ${kind}`)
  );
}

/** Whether it is an error, of whichever realm. */
function isErrorLike(value: unknown): boolean {
  try {
    return value instanceof Error || typeOf(value) === 'DOMException';
  } catch {
    // A proxy whose prototype cannot be read.
    return false;
  }
}

/** Undefined where there is nothing to read in it. */
function json(value: object): string | undefined {
  try {
    const text = JSON.stringify(value);
    if (text === undefined || text === '{}') return undefined;
    return text.length > LONGEST_TEXT ? `${text.slice(0, LONGEST_TEXT)}…` : text;
  } catch {
    // Cycles, big integers, getters that throw.
    return undefined;
  }
}

/** The name of its class, as far as there is one. */
function typeOf(value: unknown): string {
  const tag = read(value, Symbol.toStringTag);
  if (typeof tag === 'string' && tag !== '') return tag;
  return textOf(read(value, 'constructor'), 'name');
}

function textOf(value: unknown, key: string): string {
  const text = read(value, key);
  return typeof text === 'string' ? text : '';
}

/** A property; undefined where it is absent or cannot be read. */
function read(value: unknown, key: PropertyKey): unknown {
  if (value === null || value === undefined) return undefined;
  try {
    return (value as Record<PropertyKey, unknown>)[key];
  } catch {
    return undefined;
  }
}
