/** @file How a worker shows that it lives: by a lock, which the browser takes from it however it ends. */

/** Locks want a secure context. */
const hasLocks = (): boolean => (navigator as Partial<Navigator>).locks !== undefined;

let held: Promise<string | undefined> | undefined;

/**
 * Takes a lock for as long as the worker lives.
 * @returns Its name, as soon as it is held; undefined where there are no locks.
 */
export function holdLock(): Promise<string | undefined> {
  held ??= hasLocks()
    ? takeLock(`zoetrope-worker-${crypto.randomUUID()}`)
    : Promise.resolve(undefined);
  return held;
}

function takeLock(name: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const forLife = (): Promise<never> => {
      resolve(name);
      return new Promise(() => undefined);
    };
    // Some contexts have locks and refuse them.
    navigator.locks.request(name, forLife).catch(() => resolve(undefined));
  });
}

/**
 * A trap in a WebAssembly module that no call waits for would be lost, and the module is broken: it is reported as an
 * uncaught error, which the page notices.
 */
export function reportTraps(): void {
  addEventListener('unhandledrejection', ({ reason }) => {
    if (reason instanceof WebAssembly.RuntimeError) reportError(reason);
  });
}
