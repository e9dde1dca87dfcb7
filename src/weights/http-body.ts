/** @file Reads the body of an answer as it comes, and notices when nothing comes any more. */

/** Nothing came for too long. */
export class StalledError extends Error {}

/** An answer with a watch on it: without a sign of life for `stallMs` it fails by `StalledError`. */
export class WatchedFetch {
  readonly #controller = new AbortController();
  readonly #signal: AbortSignal;
  readonly #stallMs: number;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(stallMs: number, signal: AbortSignal | undefined) {
    this.#stallMs = stallMs;
    const own = this.#controller.signal;
    this.#signal = signal ? AbortSignal.any([signal, own]) : own;
  }

  /** @throws As `fetch`; `StalledError`; the signal's reason. */
  async open(
    send: typeof fetch,
    url: string,
    init: Omit<RequestInit, 'signal'> = {},
  ): Promise<Response> {
    this.#sign();
    try {
      return await send(url, { ...init, signal: this.#signal });
    } finally {
      this.close();
    }
  }

  /**
   * Hands on each piece of the body until it ends or `take` has enough.
   * @param take Returns whether to go on.
   * @throws `StalledError`; what reading fails with.
   */
  async read({ body }: Response, take: (piece: Uint8Array<ArrayBuffer>) => boolean): Promise<void> {
    if (!body) return;
    const reader = body.getReader();
    let isEnough = false;
    try {
      for (;;) {
        this.#sign();
        const { done, value } = await this.#orStopped(reader.read());
        if (done) return;
        isEnough = !take(value);
        if (isEnough) return;
      }
    } finally {
      this.close();
      // Not awaited: what does not come any more may not end either.
      void reader.cancel().catch(() => undefined);
    }
  }

  /** Stops the watch. */
  close(): void {
    clearTimeout(this.#timer);
  }

  /** A body whose compression is damaged does not always fail when its fetch is aborted. */
  async #orStopped<T>(work: Promise<T>): Promise<T> {
    let stop: (() => void) | undefined;
    const stopped = new Promise<never>((_, reject) => {
      stop = () => reject(this.#signal.reason as Error);
      if (this.#signal.aborted) stop();
      this.#signal.addEventListener('abort', stop);
    });
    try {
      return await Promise.race([work, stopped]);
    } finally {
      if (stop) this.#signal.removeEventListener('abort', stop);
    }
  }

  #sign(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#controller.abort(new StalledError(`nothing came for ${this.#stallMs / 1000} s`));
    }, this.#stallMs);
  }
}
