/** @file A limit on how long an encoder may give no sign: some hang instead of failing. */

export interface EncoderPatience {
  readonly tickMs: number;
  /** Ticks without a sign. */
  readonly ticks: number;
}

const TICK_MS = 1000;
/** A second encoder of the machine may have to start, or a phone may be busy. */
const LEAST_TICKS = 30;
/** Software encoders take up to a second or two for such a picture on a slow machine. */
const TICKS_PER_MEGAPIXEL = 5;

export function encoderPatience(width: number, height: number): EncoderPatience {
  return {
    tickMs: TICK_MS,
    ticks: LEAST_TICKS + Math.ceil((width * height * TICKS_PER_MEGAPIXEL) / 1e6),
  };
}

/** Time is counted in ticks: while the machine sleeps, nothing is held against the encoder. */
export class EncoderWatch {
  readonly #patience: EncoderPatience;
  readonly #signal: AbortSignal | undefined;
  #silentTicks = 0;

  constructor(patience: EncoderPatience, signal?: AbortSignal) {
    this.#patience = patience;
    this.#signal = signal;
  }

  /** The encoder has given a sign. */
  sign(): void {
    this.#silentTicks = 0;
  }

  /**
   * What `work` gives, unless the encoder is silent for too long or the signal is aborted. Then the work is left behind.
   *
   * @throws `work`'s error; `AbortError`; an `Error` that says how long the encoder was silent.
   */
  async during<T>(work: Promise<T>): Promise<T> {
    const { tickMs, ticks } = this.#patience;
    this.#silentTicks = 0;
    const stop = new AbortController();
    const silence = new Promise<never>((_, reject) => {
      const timer = setInterval(() => {
        this.#silentTicks += 1;
        if (this.#silentTicks < ticks) return;
        const seconds = Math.round((ticks * tickMs) / 1000);
        reject(new Error(`the encoder did not answer for ${seconds} seconds`));
      }, tickMs);
      stop.signal.addEventListener('abort', () => clearInterval(timer));
      const abort = (): void => reject(abortReason(this.#signal));
      if (this.#signal?.aborted) abort();
      else this.#signal?.addEventListener('abort', abort, { signal: stop.signal });
    });
    try {
      return await Promise.race([work, silence]);
    } finally {
      stop.abort();
    }
  }
}

function abortReason(signal: AbortSignal | undefined): Error {
  const reason: unknown = signal?.reason;
  return reason instanceof Error || reason instanceof DOMException
    ? reason
    : new DOMException('The call was cancelled.', 'AbortError');
}
