/**
 * @file Trying again: waits that double, with jitter so that many readers do not come back at the same moment, until
 * what was tried succeeds, fails for good, or has failed too often without getting any further.
 */
export interface RetryPolicy {
  /** Tries in a row that get nowhere. */
  readonly attempts: number;
  /** Before the second try; each further wait is twice as long. */
  readonly firstWaitMs: number;
  readonly longestWaitMs: number;
  /** A server that asks for more patience than this is told of instead. */
  readonly patienceMs: number;
  /** Without a byte for this long, an answer counts as broken off. */
  readonly stallMs: number;
}

export const RETRY_POLICY: RetryPolicy = {
  attempts: 6,
  firstWaitMs: 500,
  longestWaitMs: 20_000,
  patienceMs: 120_000,
  stallMs: 30_000,
};

/** A download that gets a little further each time still ends: after this many times `attempts`. */
const MOST_ROUNDS = 10;

/** A failure that may pass. `error` is what to tell if it does not. */
export class PassingFailure extends Error {
  readonly error: Error;
  /** What the server asked for. */
  readonly waitMs: number | undefined;

  constructor(error: Error, waitMs?: number) {
    super(error.message, { cause: error });
    this.error = error;
    this.waitMs = waitMs;
  }
}

/**
 * @param attempt Throws `PassingFailure` where it is worth trying again; anything else ends it.
 * @param options.progress Grows when an attempt got somewhere: failures are then counted anew.
 * @throws What the last attempt failed with; the signal's reason, also in the middle of a wait.
 */
export async function retrying<T>(
  attempt: () => Promise<T>,
  policy: RetryPolicy,
  options: { signal?: AbortSignal | undefined; progress?: () => number } = {},
): Promise<T> {
  const { signal, progress = () => 0 } = options;
  let failures = 0;
  let reached = progress();
  for (let round = 1; ; round++) {
    signal?.throwIfAborted();
    try {
      return await attempt();
    } catch (failure) {
      if (!(failure instanceof PassingFailure)) throw failure;
      const { error, waitMs = 0 } = failure;
      failures = progress() > reached ? 1 : failures + 1;
      reached = progress();
      const isHopeless = failures >= policy.attempts || round >= policy.attempts * MOST_ROUNDS;
      if (isHopeless || waitMs > policy.patienceMs) throw error;
      const backOff = Math.min(policy.longestWaitMs, policy.firstWaitMs * 2 ** (failures - 1));
      await pause(Math.max(waitMs, backOff * (0.5 + Math.random() / 2)), signal);
    }
  }
}

/** `Retry-After` in milliseconds from now: it holds seconds or a date (RFC 9110, 10.2.3). */
export function retryAfter({ headers }: Response): number | undefined {
  const text = headers.get('Retry-After')?.trim() ?? '';
  if (/^\d+$/.test(text)) return Number(text) * 1000;
  const date = Date.parse(text);
  return Number.isNaN(date) ? undefined : Math.max(0, date - Date.now());
}

async function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  await new Promise<void>((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal?.addEventListener('abort', end);
  });
  signal?.throwIfAborted();
}
