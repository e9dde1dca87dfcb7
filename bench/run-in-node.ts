/** @file What a benchmark finds around it in Node: Dawn, if it has an adapter, and folders on disk. */
import { NodeFolderSource } from '../src/weights/node-source.ts';
import type { BenchReport } from './context.ts';
import { runBenchmark, type Settings, type Surroundings } from './run-benchmark.ts';

let gpu: GPU | undefined;

export async function runInNode(
  name: string,
  settings: Settings,
  hooks: Pick<Surroundings, 'host' | 'log'>,
): Promise<BenchReport> {
  if (settings.device !== 'wasm') {
    const { dawn } = await import('../src/testing/dawn.ts');
    gpu ??= dawn();
  }
  return runBenchmark(name, settings, {
    ...hooks,
    gpu,
    folder: (path) => Promise.resolve(new NodeFolderSource(path)),
  });
}
