/** @file A worker that ends, fails and hangs as it is asked to: for tests of what waits for it. */
import { expose } from 'comlink';
import { holdLock, reportTraps } from '../pipeline/liveness.ts';
import { installTransferHandlers } from '../pipeline/transfer.ts';
import { openTrap } from './trap.ts';

/** Blocks the event loop, as a synchronous run does. */
function block(milliseconds: number): void {
  const end = performance.now() + milliseconds;
  while (performance.now() < end);
}

let isBroken = false;

const mortal = {
  lockName: holdLock,
  isBroken: () => isBroken,
  echo: (value: string) => value,
  never: () => new Promise<never>(() => undefined),
  /** Ends when it is cancelled, a while later. */
  async until(signal: AbortSignal, milliseconds: number): Promise<never> {
    await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
    await new Promise((resolve) => setTimeout(resolve, milliseconds));
    throw new DOMException('cancelled', 'AbortError');
  },
  block,
  loop: () => block(Number.POSITIVE_INFINITY),
  close: () => self.close(),
  failLater: () => void setTimeout(() => blunder()),
  trapLater: async (): Promise<void> => {
    const trap = await openTrap();
    void Promise.resolve().then(trap);
  },
  rejectLater: () => void Promise.reject(new Error('no call waits for this')),
  breakDown(): never {
    isBroken = true;
    throw new Error('broken for good');
  },
  async report(listener: { progress: (value: number) => Promise<void> }): Promise<string> {
    await listener.progress(1);
    await new Promise((resolve) => setTimeout(resolve, 20));
    return 'done';
  },
};

function blunder(): never {
  throw new Error('a bug in the worker');
}

export type Mortal = typeof mortal;

installTransferHandlers();
reportTraps();
expose(mortal);
