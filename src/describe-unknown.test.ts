import { describe, expect, test } from 'vitest';
import { describeUnknown } from './describe-unknown.ts';
import { deserializeError, serializeError, ZoetropeError } from './errors.ts';

/** In the shape of WebGPU's own errors, which are not of the class `Error`. */
class GPUValidationError {
  readonly message: string;
  constructor(message: string) {
    this.message = message;
  }
  get [Symbol.toStringTag](): string {
    return 'GPUValidationError';
  }
}

/** Node has no `ErrorEvent`. */
class FailureEvent extends Event {
  readonly message: string;
  constructor(message: string) {
    super('error');
    this.message = message;
  }
  get [Symbol.toStringTag](): string {
    return 'ErrorEvent';
  }
}

function blunder(): never {
  throw new Error('a getter that throws');
}

const cycle: Record<string, unknown> = { code: 3 };
cycle['self'] = cycle;
const errorCycle = new Error('outer');
errorCycle.cause = errorCycle;
const hostile = new Proxy({}, { get: blunder, getPrototypeOf: blunder, ownKeys: blunder });

const KINDS: readonly (readonly [kind: string, value: unknown, text: string])[] = [
  ['an Error', new Error('disk full'), 'disk full'],
  ['a TypeError', new TypeError('not a function'), 'TypeError: not a function'],
  ['a ZoetropeError', new ZoetropeError('network', 'no answer', 'hint'), 'no answer'],
  ['an Error without a message', new RangeError(), 'RangeError'],
  [
    'an Error made of an object',
    new Error(Object.prototype.toString.call({})),
    'an object of type Object',
  ],
  [
    'a DOMException',
    new DOMException('no room', 'QuotaExceededError'),
    'QuotaExceededError: no room',
  ],
  ['a GPU error', new GPUValidationError('too large'), 'GPUValidationError: too large'],
  ['what a GPU error came in', { error: new GPUValidationError('bad') }, 'GPUValidationError: bad'],
  ['a rejection event', { reason: new TypeError('late') }, 'TypeError: late'],
  ['a reason that is its own reason', endlessReason(), 'an object of type Object'],
  ['an ErrorEvent', new FailureEvent('Uncaught no'), 'Uncaught no'],
  ['an Event', new Event('error'), 'Event “error”'],
  ['a text', 'a text', 'a text'],
  ['an empty text', '', 'an unknown error'],
  ['a number', 5242880, 'the value 5242880'],
  ['a big integer', 7n, 'the value 7'],
  ['a boolean', false, 'the value false'],
  ['a symbol', Symbol('lost'), 'Symbol(lost)'],
  ['a function', blunder, 'the function blunder'],
  ['undefined', undefined, 'an unknown error'],
  ['null', null, 'an unknown error'],
  ['an object', { status: 404 }, '{"status":404}'],
  ['an empty object', {}, 'an object of type Object'],
  ['an object without a prototype', Object.create(null), 'an object that cannot be read'],
  ['a cycle', cycle, 'an object of type Object'],
  ['an array', [1, 2], '[1,2]'],
  ['a map', new Map(), 'an object of type Map'],
  [
    'a getter that throws',
    {
      get message(): string {
        return blunder();
      },
    },
    'an object of type Object',
  ],
  ['a proxy that throws', hostile, 'an object that cannot be read'],
  ['an Error that causes itself', errorCycle, 'outer'],
];

function endlessReason(): object {
  const event: Record<string, unknown> = {};
  event['reason'] = event;
  return event;
}

describe('the text of what was thrown', () => {
  test.each(KINDS)('%s', (_, value, text) => {
    expect(describeUnknown(value)).toBe(text);
  });

  test.each(KINDS)('%s reaches the page as an error with a text', (_, value, text) => {
    const error = deserializeError(structuredClone(serializeError(value)));
    expect(describeUnknown(error)).toBe(text);
    expect(`${error.name} ${error.message}`).not.toContain('[object');
  });

  test('a long object is cut', () => {
    expect(describeUnknown({ text: 'x'.repeat(5000) })).toHaveLength(501);
  });
});
