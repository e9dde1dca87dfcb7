/**
 * @file One worker and the calls that wait for it. No call outlives its worker: however it ends, each call settles, and
 * the next call starts another worker.
 */
import { type Remote, wrap } from 'comlink';
import { describeUnknown } from '../describe-unknown.ts';
import { isAbortError, ZoetropeError } from '../errors.ts';
import { installTransferHandlers, releaseSignal } from './transfer.ts';

/** What every worker answers, whatever else it does. */
export interface Vital {
  /** The name of the lock that the worker holds while it lives; undefined where there are no locks. */
  lockName(): Promise<string | undefined>;
  /** Whether its runtime has broken, so that only another worker can compute. */
  isBroken(): boolean;
}

export interface Patience {
  /** Milliseconds between two looks at the worker. */
  readonly tickMs: number;
  /** Milliseconds that a worker may be silent after a cancel: a run on the CPU blocks it, which is not a failure. */
  readonly silentMs: number;
  /** Milliseconds that a worker may take to end a cancelled call although it answers. */
  readonly busyMs: number;
}

const PATIENCE: Patience = { tickMs: 500, silentMs: 10_000, busyMs: 60_000 };

/** A worker that was silent for a while and recovered may be silent for this much longer than that, after a cancel. */
const LONGER = 1.5;

/** A cancel that the worker did not answer: it was ended, and with it all that was loaded. */
export class WorkerEnded extends DOMException {
  constructor() {
    super(
      'Cancelled. The worker did not answer and was ended: the model is loaded again.',
      'AbortError',
    );
  }
}

export interface CallOptions {
  /** Any of them cancels the call. */
  readonly signals?: readonly (AbortSignal | undefined)[];
  /** Changes nothing in the worker: a cancel need not wait for the answer. */
  readonly isQuery?: boolean;
  /** Gives something up: a worker that does not answer even that is ended, as after a cancel. */
  readonly isLast?: boolean;
}

/** What a call has on its way to the worker. */
export interface CallContext {
  /** Aborts when the call is cancelled. Every call has one: the boundary then has one shape. */
  readonly signal: AbortSignal;
  /** A callback of the caller; if it throws, the call is cancelled and rejects with what was thrown. */
  readonly guard: <A extends unknown[]>(
    callback: ((...args: A) => unknown) | undefined,
  ) => (...args: A) => Promise<void>;
}

interface Waiting {
  readonly isQuery: boolean;
  /** Ticks since the cancel; undefined: not cancelled. */
  ticksCancelled: number | undefined;
  readonly fail: (error: unknown) => void;
}

export class WorkerConnection<H extends Vital> {
  readonly remote: Remote<H>;
  /** Resolves with the reason when the worker has ended. */
  readonly lost: Promise<ZoetropeError>;
  readonly #vital: Remote<Vital>;
  readonly #worker: Worker;
  readonly #patience: Patience;
  /** Resolves when the end of the worker will be noticed: calls wait for it. */
  readonly #started: Promise<void>;
  readonly #waiting = new Set<Waiting>();
  #reportLoss!: (error: ZoetropeError) => void;
  #loss: ZoetropeError | undefined;
  #wasUnanswered = false;
  #hasStarted = false;
  #timer: ReturnType<typeof setInterval> | undefined;
  /** Ticks since a question that has no answer yet. */
  #silentTicks = 0;
  #longestSilence = 0;
  #isAsking = false;

  constructor(worker: Worker, patience: Patience = PATIENCE) {
    installTransferHandlers();
    this.#worker = worker;
    this.#patience = patience;
    this.lost = new Promise((resolve) => (this.#reportLoss = resolve));
    worker.addEventListener('error', (event) => this.#end(this.#failed(event)));
    worker.addEventListener('messageerror', () =>
      this.#end(workerLost('The worker sent something that cannot be read')),
    );
    this.remote = wrap<H>(worker);
    this.#vital = this.remote;
    this.#started = this.#watch();
  }

  /** Whether the worker has ended. */
  get isLost(): boolean {
    return this.#loss !== undefined;
  }

  /** Whether it was ended for the sake of a cancelled call: other calls are innocent and may be made again. */
  get wasUnanswered(): boolean {
    return this.#wasUnanswered;
  }

  /**
   * Calls into the worker.
   * @throws ZoetropeError `worker-lost`; `AbortError`.
   */
  async call<T>(
    start: (context: CallContext) => Promise<T>,
    { signals = [], isQuery = false, isLast = false }: CallOptions = {},
  ): Promise<T> {
    if (this.#loss) throw this.#loss;
    if (signals.some((signal) => signal?.aborted)) throw cancelled();
    const controller = new AbortController();
    const { signal } = controller;
    let fail: Waiting['fail'] = ignore;
    const failed = new Promise<never>((_, reject) => (fail = reject));
    const waiting: Waiting = { isQuery, ticksCancelled: isLast ? 0 : undefined, fail };
    const cancel = (): void => {
      waiting.ticksCancelled ??= 0;
      controller.abort();
      if (isQuery) fail(cancelled());
    };
    /** What a callback threw, first of all. */
    let thrown: { readonly error: unknown } | undefined;
    const guard: CallContext['guard'] =
      (callback) =>
      async (...args) => {
        try {
          await callback?.(...args);
        } catch (error) {
          thrown ??= { error };
          cancel();
        }
      };
    for (const each of signals) each?.addEventListener('abort', cancel);
    this.#begin(waiting);
    const answer = this.#started.then(() => {
      signal.throwIfAborted();
      return start({ signal, guard });
    });
    // A query that was cancelled still occupies the worker.
    const answered = answer.catch(() => undefined).then(() => this.#finish(waiting));
    try {
      const value = await Promise.race([answer, failed]);
      if (!thrown) return value;
      throw thrown.error;
    } catch (error) {
      if (thrown) throw thrown.error;
      if (!isQuery && !isAbortError(error)) await this.#checkRuntime();
      throw error;
    } finally {
      for (const each of signals) each?.removeEventListener('abort', cancel);
      void answered.then(() => releaseSignal(signal));
    }
  }

  /** A failure may have broken the worker's runtime for good: then it is of no more use. */
  async #checkRuntime(): Promise<void> {
    if (this.#loss) return;
    const isBroken = await Promise.race([this.#vital.isBroken(), this.lost]);
    if (isBroken === true)
      this.#end(workerLost('The runtime in the worker broke in an earlier call'));
  }

  /** Waits for the lock that the worker holds: it is given here when the worker has ended, in whichever way. */
  async #watch(): Promise<void> {
    const name = await Promise.race([this.#vital.lockName(), this.lost]);
    this.#hasStarted = true;
    if (typeof name !== 'string') return;
    const end = (): void => this.#end(workerLost('The worker has ended'));
    // Without the lock, events alone tell of the worker's end.
    navigator.locks.request(name, end).catch(ignore);
  }

  #failed(event: ErrorEvent): ZoetropeError {
    // A script that cannot be loaded has an event without a message.
    if (!this.#hasStarted && !event.message) {
      return new ZoetropeError(
        'feature-missing',
        'The worker could not be started: its script could not be loaded.',
        'Load the page again; the browser must support module workers.',
      );
    }
    return workerLost(`The worker failed (${describeUnknown(event)})`);
  }

  #end(loss: ZoetropeError): void {
    if (this.#loss) return;
    this.#loss = loss;
    clearInterval(this.#timer);
    this.#worker.terminate();
    for (const { ticksCancelled, fail } of this.#waiting) {
      const cancelledBy = this.#wasUnanswered ? new WorkerEnded() : cancelled();
      fail(ticksCancelled === undefined ? loss : cancelledBy);
    }
    this.#waiting.clear();
    this.#reportLoss(loss);
  }

  #begin(waiting: Waiting): void {
    this.#waiting.add(waiting);
    this.#timer ??= setInterval(() => this.#tick(), this.#patience.tickMs);
  }

  #finish(waiting: Waiting): void {
    this.#waiting.delete(waiting);
    if (this.#waiting.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** Time is counted in ticks: while the machine sleeps, or the page is frozen, nothing is held against the worker. */
  #tick(): void {
    this.#ask();
    for (const each of this.#waiting) {
      if (each.ticksCancelled !== undefined) each.ticksCancelled += 1;
    }
    if (![...this.#waiting].some((each) => this.#isOverdue(each))) return;
    // What somebody waits for is not given up for the sake of what was given up.
    const isInUse = [...this.#waiting].some(
      ({ isQuery, ticksCancelled }) => !isQuery && ticksCancelled === undefined,
    );
    if (isInUse) return;
    this.#wasUnanswered = true;
    this.#end(workerLost('The worker did not answer a cancel and was ended'));
  }

  #isOverdue({ isQuery, ticksCancelled = 0 }: Waiting): boolean {
    const { tickMs, silentMs, busyMs } = this.#patience;
    const busyTicks = busyMs / tickMs;
    const silentTicks = Math.min(
      busyTicks,
      Math.max(silentMs / tickMs, this.#longestSilence * LONGER),
    );
    if (!isQuery && ticksCancelled >= busyTicks) return true;
    return Math.min(ticksCancelled, this.#silentTicks) >= silentTicks;
  }

  #ask(): void {
    if (this.#isAsking) {
      this.#silentTicks += 1;
      return;
    }
    this.#isAsking = true;
    void this.#vital.isBroken().then(() => {
      this.#isAsking = false;
      this.#longestSilence = Math.max(this.#longestSilence, this.#silentTicks);
      this.#silentTicks = 0;
    });
  }
}

function workerLost(what: string): ZoetropeError {
  return new ZoetropeError(
    'worker-lost',
    `${what}, and the loaded model with it.`,
    'Try again: the model is loaded again in a new worker. If it happens again, choose a smaller size.',
  );
}

function ignore(): void {}

function cancelled(): DOMException {
  return new DOMException('The call was cancelled.', 'AbortError');
}
