/** @file Runs benchmarks in this process. */
/**
 * @typedef {import('./context.ts').BenchReport} BenchReport
 * @typedef {import('./context.ts').Host} Host
 * @typedef {import('./run-benchmark.ts').Settings} Settings
 * @typedef {{ host: Host, log: (text: string) => void }} Hooks
 * @typedef {(name: string) => Promise<BenchReport>} RunOne
 */

/**
 * @param {(path: string) => Promise<Record<string, any>>} load
 * @returns {(settings: Omit<Settings, 'place'>, hooks: Hooks, use: (runOne: RunOne) => Promise<void>) => Promise<void>}
 */
export function nodeRunner(load) {
  return async (settings, hooks, use) => {
    const { runInNode } = await load('/bench/run-in-node.ts');
    await use((name) => runInNode(name, { ...settings, place: 'node' }, hooks));
  };
}
