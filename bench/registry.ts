/** @file The benchmarks by name, in the order in which they run. Loaded when they are asked for. */
import type { Benchmark } from './context.ts';

const BENCHMARKS: Readonly<Record<string, () => Promise<Benchmark>>> = {
  budget: async () => (await import('./budget.ts')).budget,
  streaming: async () => (await import('./streaming.ts')).streaming,
  ordinary: async () => (await import('./ordinary.ts')).ordinary,
  decode: async () => (await import('./decode.ts')).decoding,
  'fast-decode': async () => (await import('./fast-decode.ts')).fastDecoding,
  formats: async () => (await import('./formats.ts')).formats,
  pocket: async () => (await import('./pocket.ts')).pocket,
  'true-size': async () => (await import('./true-size.ts')).trueSize,
  hub: async () => (await import('./hub.ts')).hub,
};

export const BENCHMARK_NAMES: readonly string[] = Object.keys(BENCHMARKS);

/** @throws Error that names the benchmarks there are. */
export async function loadBenchmark(name: string): Promise<Benchmark> {
  const load = Object.hasOwn(BENCHMARKS, name) ? BENCHMARKS[name] : undefined;
  if (!load) {
    throw new Error(`There is no benchmark ${name}: there are ${BENCHMARK_NAMES.join(', ')}.`);
  }
  return load();
}
