/** @file onnxruntime-web breaks when two calls overlap, even on different sessions: everything goes through one lock. */

export class Mutex {
  #tail: Promise<unknown> = Promise.resolve();

  /** Runs `task` after all earlier ones have settled. */
  run<T>(task: () => Promise<T>): Promise<T> {
    const result = this.#tail.then(task, task);
    this.#tail = result.catch(() => undefined);
    return result;
  }
}

/** The one lock: the wasm module is shared by all sessions of a thread. */
export const ortLock = new Mutex();
