/** @file Runs benchmarks in this process. The engine is TypeScript; Vite, which builds the page, also loads it here. */
import { ROOT } from '../scripts/packages.mjs';

/**
 * @typedef {import('./context.ts').BenchReport} BenchReport
 * @typedef {import('./context.ts').Host} Host
 * @typedef {import('./run-benchmark.ts').Settings} Settings
 * @typedef {{ host: Host, log: (text: string) => void }} Hooks
 * @typedef {(name: string) => Promise<BenchReport>} RunOne
 */

/**
 * @template T
 * @param {(load: (path: string) => Promise<Record<string, any>>) => Promise<T>} use
 * @returns {Promise<T>}
 */
export async function withEngine(use) {
  const { createServer } = await import('vite');
  const server = await createServer({
    root: ROOT,
    configFile: false,
    appType: 'custom',
    logLevel: 'error',
    optimizeDeps: { noDiscovery: true },
    server: { middlewareMode: true, ws: false, watch: null },
  });
  try {
    return await use((path) => server.ssrLoadModule(path));
  } finally {
    await server.close();
  }
}

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
