/** @file `npm run bench`: tables of figures that are compared within one run. */
import { writeFileSync } from 'node:fs';
import { withEngine } from '../scripts/engine.mjs';
import { ensurePackages } from '../scripts/packages.mjs';
import { parseCommandLine, usage } from './arguments.mjs';
import { clickThroughPage } from './click-through.mjs';
import { hasChromium, withChromium } from './in-chromium.mjs';
import { nodeRunner } from './in-node.mjs';
import { summary, table } from './report.mjs';

/**
 * @typedef {import('./arguments.mjs').Arguments} Arguments
 * @typedef {import('./arguments.mjs').Place} Place
 * @typedef {import('./context.ts').Row} Row
 * @typedef {import('./in-node.mjs').RunOne} RunOne
 */

/** @typedef {(path: string) => Promise<Record<string, any>>} Load */

/**
 * @param {Load} load
 * @returns {Promise<{ name: string, title: string }[]>}
 */
async function listBenchmarks(load) {
  const { BENCHMARK_NAMES, loadBenchmark } = await load('/bench/registry.ts');
  const list = [];
  for (const name of BENCHMARK_NAMES) list.push({ name, title: (await loadBenchmark(name)).title });
  return list;
}

/** Progress goes where tables do not: to the terminal's other stream. @param {string} text */
function log(text) {
  process.stderr.write(`  … ${text}\n`);
}

/**
 * @param {Load} load
 * @returns {import('./context.ts').Host}
 */
function makeHost(load) {
  /** @type {Map<number | undefined, Promise<string>>} */
  const servers = new Map();
  /** @param {number} [bytesPerSecond] */
  const start = async (bytesPerSecond) => {
    const { serveMadeUp } = await load('/bench/made-up-server.ts');
    return (await serveMadeUp(bytesPerSecond)).url;
  };
  return {
    processBytes: () => Promise.resolve(process.memoryUsage().rss),
    heapBytes: () => {
      const { heapUsed, external } = process.memoryUsage();
      return Promise.resolve(heapUsed + external);
    },
    serveMadeUp(bytesPerSecond) {
      let server = servers.get(bytesPerSecond);
      if (!server) {
        server = start(bytesPerSecond);
        servers.set(bytesPerSecond, server);
      }
      return server;
    },
    clickThrough: clickThroughPage,
  };
}

/**
 * @param {Load} load
 * @param {Arguments} options
 * @param {readonly string[]} names
 */
async function runAll(load, { place, device, size }, names) {
  const host = makeHost(load);
  /** @type {Row[]} */
  const rows = [];
  /** @type {string[]} */
  const devices = [];
  let failures = 0;
  /** @type {(where: Place, run: typeof withChromium) => Promise<void>} */
  const runIn = (where, run) =>
    run({ device, size }, { host, log }, async (runOne) => {
      for (const name of names) {
        console.log(`\n${name}, in ${where}`);
        const started = performance.now();
        try {
          const report = await runOne(name);
          const seconds = ((performance.now() - started) / 1000).toFixed(0);
          const line = `${where}: ${report.device}`;
          if (!devices.includes(line)) devices.push(line);
          rows.push(...report.rows);
          if (report.rows.length > 0) {
            console.log(`  ${report.device}, ${seconds} s\n\n${table(report.rows)}`);
          }
        } catch (error) {
          failures++;
          console.error(error);
        }
      }
    });
  if (place !== 'chromium') await runIn('node', nodeRunner(load));
  if (place === 'chromium' && !hasChromium()) throw new Error('There is no Chromium here.');
  if (place === undefined && !hasChromium())
    console.log('\nThere is no Chromium here: Node alone.');
  if (place !== 'node' && hasChromium()) await runIn('chromium', withChromium);
  return { device: devices.join('; '), rows, failures };
}

/**
 * @param {Load} load
 * @param {Arguments} options
 * @returns {Promise<number>} The exit code.
 */
async function main(load, options) {
  const benchmarks = await listBenchmarks(load);
  if (options.help) {
    console.log(usage(benchmarks));
    return 0;
  }
  const all = benchmarks.map(({ name }) => name);
  if (options.only !== undefined && !all.includes(options.only)) {
    throw new Error(`There is no benchmark ${options.only}: there are ${all.join(', ')}.`);
  }
  const names = options.only === undefined ? all : [options.only];
  const { device, rows, failures } = await runAll(load, options, names);
  if (options.json !== undefined) {
    writeFileSync(options.json, `${JSON.stringify({ device, rows }, undefined, 2)}\n`);
  }
  console.log(`\n${summary(rows)}`);
  const isMissed = rows.some(({ holds }) => holds === false);
  return failures > 0 || (options.strict && isMissed) ? 1 : 0;
}

try {
  const options = parseCommandLine(process.argv.slice(2));
  ensurePackages();
  // Vite's and Dawn's threads do not end by themselves.
  process.exit(await withEngine((load) => main(load, options)));
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
}
