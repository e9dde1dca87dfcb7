/** @file A real backend with faults put in: what the engine makes of them is looked at from outside. */
import type { ZoetropeError } from '../errors.ts';
import type { Backend } from '../runtime/backend.ts';
import { openBackend } from '../runtime/open-backend.ts';

export interface FailingBackend extends Backend {
  /** As a device that is lost, or that reports an error which no call caught. */
  failure: ZoetropeError | undefined;
  /** Breaks it in the run after that many. */
  failAfter(runs: number, failure: ZoetropeError): void;
  readonly isDisposed: boolean;
}

async function openFailing(): Promise<FailingBackend> {
  const real = await openBackend('wasm');
  let runsLeft = Number.POSITIVE_INFINITY;
  let planned: ZoetropeError | undefined;
  let isDisposed = false;
  const backend: FailingBackend = {
    report: real.report,
    ledger: real.ledger,
    failure: undefined,
    get isDisposed() {
      return isDisposed;
    },
    failAfter(runs, failure) {
      runsLeft = runs;
      planned = failure;
    },
    allocate: (...args) => real.allocate(...args),
    clear: (tensor) => real.clear(tensor),
    upload: (tensor, data) => real.upload(tensor, data),
    download: (tensor) => real.download(tensor),
    free: (tensor) => real.free(tensor),
    prepare: (graph) => real.prepare(graph),
    async run(graph, inputs, outputs) {
      if (runsLeft-- <= 0) backend.failure ??= planned;
      if (backend.failure) throw backend.failure;
      await real.run(graph, inputs, outputs);
    },
    throttle: () => real.throttle(),
    trim: (options) => real.trim(options),
    async dispose() {
      isDisposed = true;
      await real.dispose();
    },
  };
  return backend;
}

/** Opens them one after the other, and keeps them all in sight. */
export class FailingBackends {
  readonly all: FailingBackend[] = [];
  /** Why the next ones cannot be opened. */
  refusal: ZoetropeError | undefined;

  readonly open = async (): Promise<Backend> => {
    if (this.refusal) throw this.refusal;
    const opened = await openFailing();
    this.all.push(opened);
    return opened;
  };

  get last(): FailingBackend {
    const last = this.all.at(-1);
    if (!last) throw new Error('no backend was opened');
    return last;
  }
}
