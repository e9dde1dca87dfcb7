import { proxy } from 'comlink';
import { afterEach, describe, expect, test } from 'vitest';
import { isAbortError, type ZoetropeError } from '../errors.ts';
import type { Mortal } from '../testing/mortal-worker.ts';
import { WorkerConnection, WorkerEnded } from './connection.ts';

const PATIENCE = { tickMs: 20, silentMs: 250, busyMs: 900 };

const open: Worker[] = [];

const pause = (milliseconds: number) =>
  new Promise<void>((resolve) => setTimeout(resolve, milliseconds));

/** A worker that has answered once. */
async function start(): Promise<ReturnType<typeof connect>> {
  const connected = connect();
  const { connection } = connected;
  await connection.call(() => connection.remote.echo('started'));
  return connected;
}

function connect(): { connection: WorkerConnection<Mortal>; worker: Worker } {
  const worker = new Worker(new URL('../testing/mortal-worker.ts', import.meta.url), {
    type: 'module',
  });
  open.push(worker);
  return { connection: new WorkerConnection<Mortal>(worker, PATIENCE), worker };
}

afterEach(() => {
  for (const worker of open.splice(0)) worker.terminate();
});

async function caught(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => 'nothing was thrown',
    (error: unknown) => error,
  );
}

const LOST = { name: 'ZoetropeError', code: 'worker-lost' } satisfies Partial<ZoetropeError>;

describe('a call into a worker', () => {
  test.each([
    ['ends itself', 'close', /has ended/],
    ['has an uncaught error', 'failLater', /a bug in the worker/],
    ['has a trap that no call waits for', 'trapLater', /unreachable/],
  ] as const)('rejects when the worker %s, and so do later calls', async (_, way, message) => {
    const { connection } = await start();
    const { remote } = connection;
    const waiting = [1, 2].map(() => caught(connection.call(() => remote.never())));
    expect(connection.isLost).toBe(false);
    void remote[way]();
    for (const error of await Promise.all(waiting)) {
      expect(error).toMatchObject({ ...LOST, message: expect.stringMatching(message) });
    }
    expect(connection.isLost).toBe(true);
    expect(await connection.lost).toMatchObject(LOST);
    expect(await caught(connection.call(() => remote.echo('late')))).toMatchObject(LOST);
  });

  test('rejects when the page terminates the worker', async () => {
    const { connection, worker } = await start();
    const { remote } = connection;
    const waiting = caught(connection.call(() => remote.never()));
    worker.terminate();
    expect(await waiting).toMatchObject({ ...LOST, message: expect.stringMatching(/has ended/) });
  });

  test('says when the script of the worker cannot be loaded', async () => {
    const worker = new Worker('/no/such/worker.js', { type: 'module' });
    const connection = new WorkerConnection<Mortal>(worker);
    const error = await caught(connection.call(() => connection.remote.echo('a')));
    expect(error).toMatchObject({
      code: 'feature-missing',
      message: expect.stringMatching(/could not be loaded/),
    });
  });

  test('survives a rejection in the worker that no call waits for', async () => {
    const { connection } = connect();
    const { remote } = connection;
    await connection.call(() => remote.rejectLater());
    await pause(50);
    expect(await connection.call(() => remote.echo('alive'))).toBe('alive');
  });

  test('that fails ends a worker whose runtime broke in it', async () => {
    const { connection } = connect();
    const error = await caught(connection.call(() => connection.remote.breakDown()));
    expect(error).toMatchObject({ message: 'broken for good' });
    expect(connection.isLost).toBe(true);
  });

  test('rejects with what a callback threw', async () => {
    const { connection } = connect();
    const mistake = new Error('a mistake of the caller');
    const call = connection.call(async ({ guard }) => {
      const progress = guard(() => {
        throw mistake;
      });
      return connection.remote.report(proxy({ progress }));
    });
    expect(await caught(call)).toBe(mistake);
  });
});

describe('a cancel', () => {
  test('is answered by the worker, which lives on', async () => {
    const { connection } = await start();
    const { remote } = connection;
    const controller = new AbortController();
    const { signal } = controller;
    const call = connection.call((context) => remote.until(context.signal, 400), {
      signals: [undefined, signal],
    });
    await pause(20);
    controller.abort();
    const error = await caught(call);
    expect(isAbortError(error)).toBe(true);
    expect(error).not.toBeInstanceOf(WorkerEnded);
    expect(await connection.call(() => remote.echo('alive'))).toBe('alive');
  });

  test('ends a worker that does not answer it', async () => {
    const { connection } = await start();
    const { remote } = connection;
    const controller = new AbortController();
    const call = caught(connection.call(() => remote.loop(), { signals: [controller.signal] }));
    await pause(20);
    controller.abort();
    const error = await call;
    expect(isAbortError(error)).toBe(true);
    expect(error).toBeInstanceOf(WorkerEnded);
    expect(connection.isLost).toBe(true);
    expect(connection.wasUnanswered).toBe(true);
  });

  test('ends a worker that answers and never ends the call', async () => {
    const { connection } = await start();
    const signals = [AbortSignal.timeout(20)];
    const call = connection.call(() => connection.remote.never(), { signals });
    expect(await caught(call)).toBeInstanceOf(WorkerEnded);
  });

  test('waits longer for a worker that was silent before and recovered', async () => {
    const { connection } = await start();
    const { remote } = connection;
    await connection.call(() => remote.block(500));
    const controller = new AbortController();
    const call = connection.call(() => remote.block(500), { signals: [controller.signal] });
    await pause(20);
    controller.abort();
    await call;
    expect(connection.isLost).toBe(false);
  });

  test('of a question is immediate, and spares a worker that computes for another call', async () => {
    const { connection } = await start();
    const { remote } = connection;
    const computing = connection.call(() => remote.block(600));
    const controller = new AbortController();
    const options = { signals: [controller.signal], isQuery: true };
    const question = caught(connection.call(() => remote.echo('late'), options));
    await pause(20);
    controller.abort();
    const startedAt = performance.now();
    expect(isAbortError(await question)).toBe(true);
    expect(performance.now() - startedAt).toBeLessThan(400);
    await computing;
    expect(connection.isLost).toBe(false);
  });
});
