/** @file The page that benchmarks run in: it only starts the worker, which is where the library computes too. */
import { proxy, type Remote, wrap } from 'comlink';
import type { BenchReport, Clicks, Host } from './context.ts';
import type { Settings } from './run-benchmark.ts';
import type { BenchWorker } from './worker.ts';

/** What the driving process puts on the page. */
interface Driver {
  benchLog(text: string): Promise<void>;
  benchProcessBytes: Host['processBytes'];
  benchServeMadeUp: Host['serveMadeUp'];
  benchClickThrough: Host['clickThrough'];
}

export interface BenchPage {
  run(name: string, settings: Settings): Promise<BenchReport>;
}

declare global {
  var bench: BenchPage | undefined;
}

/** Of the page and its worker; Chromium's own. */
interface MeasuringPerformance {
  measureUserAgentSpecificMemory?: () => Promise<{ bytes: number }>;
}

async function heapBytes(): Promise<number | null> {
  if (!crossOriginIsolated) return null;
  const memory = await (performance as MeasuringPerformance).measureUserAgentSpecificMemory?.();
  return memory?.bytes ?? null;
}

const driver = globalThis as unknown as Driver;
const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' });
const remote: Remote<BenchWorker> = wrap<BenchWorker>(worker);

/** Rejects if the worker cannot start or dies: calls into it would wait for ever. */
const failure = new Promise<never>((_, reject) => {
  worker.onerror = (event) => reject(new Error(event.message || 'The worker could not start.'));
});
failure.catch(() => undefined);

globalThis.bench = {
  run(name, settings) {
    const host = proxy({
      heapBytes,
      processBytes: () => driver.benchProcessBytes(),
      serveMadeUp: (bytesPerSecond?: number) => driver.benchServeMadeUp(bytesPerSecond),
      clickThrough: (clicks: Clicks) => driver.benchClickThrough(clicks),
    });
    const log = proxy((text: string) => void driver.benchLog(text));
    return Promise.race([remote.run(name, settings, host, log), failure]);
  },
};
