import { expose, releaseProxy, wrap } from 'comlink';
import { afterEach, describe, expect, test } from 'vitest';
import { deserializeError, isAbortError, serializeError, ZoetropeError } from '../errors.ts';
import { installTransferHandlers } from './transfer.ts';

installTransferHandlers();
installTransferHandlers();

const PROBLEM = new ZoetropeError('out-of-memory', 'too large', 'Choose a smaller size.', {
  cause: new RangeError('allocation', { cause: 'a string' }),
});

/** What is on the other side. */
const service = {
  fail(kind: 'known' | 'foreign' | 'abort' | 'string' | 'object' | 'symbol'): never {
    if (kind === 'known') throw PROBLEM;
    if (kind === 'foreign') throw new TypeError('not a function');
    if (kind === 'abort') throw new DOMException('cancelled', 'AbortError');
    if (kind === 'object') throw { status: 404, retry: () => undefined } as unknown as Error;
    if (kind === 'symbol') throw Symbol('lost') as unknown as Error;
    throw kind as unknown as Error;
  },
  async wait(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
    signal.throwIfAborted();
  },
};

const open: (() => void)[] = [];

function connect() {
  const { port1, port2 } = new MessageChannel();
  expose(service, port1);
  const remote = wrap<typeof service>(port2);
  open.push(() => {
    remote[releaseProxy]();
    port1.close();
    port2.close();
  });
  return remote;
}

afterEach(() => {
  for (const close of open.splice(0)) close();
});

async function caught(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}

describe('across a message channel', () => {
  test('a ZoetropeError keeps its code, its hint and its causes', async () => {
    const error = await caught(connect().fail('known'));
    if (!(error instanceof ZoetropeError)) throw error;
    expect(error).toMatchObject({
      name: 'ZoetropeError',
      code: 'out-of-memory',
      message: 'too large',
      hint: 'Choose a smaller size.',
      cause: { name: 'RangeError', message: 'allocation', cause: { message: 'a string' } },
    });
    expect(error.cause).toBeInstanceOf(Error);
  });

  test('another error keeps its name and message', async () => {
    const error = await caught(connect().fail('foreign'));
    expect(error).toBeInstanceOf(Error);
    expect(error).not.toBeInstanceOf(ZoetropeError);
    expect(error).toMatchObject({ name: 'TypeError', message: 'not a function' });
  });

  test('a cancel stays a DOMException, and a text stays a text', async () => {
    expect(isAbortError(await caught(connect().fail('abort')))).toBe(true);
    expect(await caught(connect().fail('string'))).toBe('string');
  });

  test('an object that is not an error arrives as an error with a readable text', async () => {
    expect(await caught(connect().fail('object'))).toMatchObject({
      name: 'Error',
      message: '{"status":404}',
    });
    expect(await caught(connect().fail('symbol'))).toMatchObject({ message: 'Symbol(lost)' });
  });

  test('a signal aborts on the other side', async () => {
    const controller = new AbortController();
    const waiting = caught(connect().wait(controller.signal));
    controller.abort();
    expect(isAbortError(await waiting)).toBe(true);
  });

  test('a signal that was aborted before arrives aborted', async () => {
    expect(isAbortError(await caught(connect().wait(AbortSignal.abort())))).toBe(true);
  });
});

test('what is serialized can be cloned, and comes back equal', () => {
  const serialized = structuredClone(serializeError(PROBLEM));
  const back = deserializeError(serialized);
  expect(back).toBeInstanceOf(ZoetropeError);
  const { cause, ...own } = serialized;
  expect(serializeError(back)).toMatchObject(own);
  expect(back.cause).toMatchObject({ name: cause?.name, message: cause?.message });
  expect(serializeError('a string')).toEqual({ name: 'Error', message: 'a string' });
});
