/** @file What a benchmark finds around it in a browser's worker: the browser's WebGPU, and folders by HTTP. */
import { expose, type ProxyMarked } from 'comlink';
import { HttpSource } from '../src/weights/http-source.ts';
import type { BenchReport, Host } from './context.ts';
import { runBenchmark, type Settings } from './run-benchmark.ts';

const worker = {
  run(
    name: string,
    settings: Settings,
    host: Host & ProxyMarked,
    log: ((text: string) => void) & ProxyMarked,
  ): Promise<BenchReport> {
    return runBenchmark(name, settings, {
      host,
      log,
      gpu: navigator.gpu,
      folder: (path) => Promise.resolve(new HttpSource(new URL(`/${path}`, location.href).href)),
    });
  },
};

export type BenchWorker = typeof worker;

expose(worker);
