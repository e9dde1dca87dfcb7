/**
 * @file `npm run soak`: clips of the bundled model in one tab, over and over, with cancels and failures in between. Clips
 * of one seed must be identical, and nothing may grow.
 */
import { parseArgs } from 'node:util';
import { launchOptions } from '../scripts/browser.mjs';
import { DIST, ensureBuild } from '../scripts/build.mjs';
import { startFileServer } from '../scripts/file-server.mjs';
import { ensurePackages } from '../scripts/packages.mjs';
import { heapUsage } from './heap-usage.mjs';
import { processBytes } from './process-bytes.mjs';
import { soakInPage, watchMemories } from './soak-in-page.mjs';

/** @typedef {import('@playwright/test').Page} Page */
/** @typedef {import('./soak-in-page.mjs').Ending} Ending */
/** @typedef {{ page: number, worker: number, wasm: number, process: number | null }} Reading Bytes. */

const USAGE = `Usage: npm run soak -- [options]

Makes clips of the bundled model in one tab of a headless Chromium, with cancels and failures in between.
Exits with 1 if two clips of one seed differ, if a round ends otherwise than it should, or if memory grows.

  --minutes N     how long (10)
  --clips N       at most so many rounds
  --device NAME   wasm or webgpu; on webgpu Chromium's software adapter, if there is no GPU (wasm)
  --help          this text
`;

const PROMPTS = [
  'a red ball moves right',
  'a blue star at night',
  'a green heart spins',
  'a yellow box',
];
const SEEDS = [1, 2];
const SIZES = [
  { width: 32, height: 32, numFrames: 5 },
  { width: 48, height: 32, numFrames: 9 },
];

/** How each kind of round is to end. */
const OUTCOMES = /** @type {const} */ ({
  finish: 'done',
  cancel: 'AbortError',
  refuse: 'invalid-argument',
  throw: 'Error',
  dispose: 'AbortError',
});

/** Rounds until all clips have been made and all kinds of endings seen: what is there then is the level. */
const WARM_UP = 40;
/** Rounds after which the worker is ended from within. */
const WORKER_LIFE = 150;

/** Growth over the level that is still none: collectors are free to be late. */
const MOST_GROWTH = { page: 4e6, worker: 8e6, wasm: 16e6, process: 100e6 };

/** @param {number} round */
function clipOf(round) {
  const clips = PROMPTS.length * SEEDS.length * SIZES.length;
  const index = round % clips;
  return {
    prompt: PROMPTS[index % PROMPTS.length] ?? '',
    // The size changes with every clip.
    ...SIZES[(index + Math.floor(index / PROMPTS.length)) % SIZES.length],
    seed: SEEDS[Math.floor(index / PROMPTS.length / SIZES.length)] ?? 0,
  };
}

/**
 * @param {number} round
 * @returns {Ending}
 */
function endingOf(round) {
  if (round % 75 === 37) return 'dispose';
  if (round % 25 === 12) return 'refuse';
  if (round % 25 === 20) return 'throw';
  return round % 9 === 5 ? 'cancel' : 'finish';
}

/** The engine's; onnxruntime's threads are workers too, which never answer. @param {Page} page */
function engineWorker(page) {
  return page.workers().find((each) => each.url().includes('worker'));
}

/** @param {Page} page @returns {Promise<Reading>} */
async function read(page) {
  const worker = engineWorker(page);
  if (!worker) throw new Error('The page has no worker.');
  const wasm = Number(await worker.evaluate('self.wasmBytes?.() ?? 0'));
  return {
    ...(await heapUsage(page, worker.url())),
    wasm,
    process: await processBytes(page.context().browser()),
  };
}

/** @param {number} bytes */
function megabytes(bytes) {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

/** @param {readonly number[]} values */
function median(values) {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

class Soak {
  /** @type {string[]} */
  problems = [];
  /** @type {number[]} */
  seconds = [];
  rounds = 0;
  restarts = 0;
  /** @type {Reading | undefined} */
  level;
  levelLive = 0;
  mostLive = 0;
  #page;
  #device;
  /** @type {Map<string, string>} */
  #hashes = new Map();

  /**
   * @param {Page} page
   * @param {'wasm' | 'webgpu'} device
   */
  constructor(page, device) {
    this.#page = page;
    this.#device = device;
  }

  async next() {
    const round = this.rounds++;
    if (round % WORKER_LIFE === WORKER_LIFE - 1) await this.#endWorker();
    const ending = endingOf(round);
    const clip = clipOf(round);
    const made = await this.#page.evaluate(soakInPage, { device: this.#device, clip, ending });
    if (made.outcome !== OUTCOMES[ending]) {
      this.problems.push(`round ${round} (${ending}) ended as ${made.outcome}: ${made.message}`);
    }
    if (made.hash !== '') {
      const key = JSON.stringify(clip);
      const first = this.#hashes.get(key) ?? made.hash;
      this.#hashes.set(key, first);
      if (made.hash !== first) this.problems.push(`round ${round} differs: ${key}`);
      this.seconds.push(made.seconds);
    }
    if (round < WARM_UP) this.levelLive = Math.max(this.levelLive, made.liveBytes);
    else this.mostLive = Math.max(this.mostLive, made.liveBytes);
    if (round === WARM_UP) this.level = await read(this.#page);
  }

  /** As a crash would: nothing is asked of the page, which finds out by itself. */
  async #endWorker() {
    const worker = engineWorker(this.#page);
    if (!worker) return;
    const closed = worker.waitForEvent('close');
    worker.evaluate('self.close()').catch(() => undefined);
    await closed;
    await this.#page.waitForFunction('window.pipeline === undefined || window.pipeline.isLost');
    this.restarts += 1;
  }

  /** @returns {Promise<string>} The figures; what grew is among the problems then. */
  async finish() {
    const { level, seconds } = this;
    const last = await read(this.#page);
    const lines = [
      `${this.rounds} rounds, ${seconds.length} clips of ${this.#hashes.size} kinds, ${this.restarts} workers ended`,
      `seconds a clip: ${median(seconds.slice(0, 32)).toFixed(2)} in the first 32, ${median(seconds.slice(-32)).toFixed(2)} in the last`,
    ];
    if (!level) return lines.join('\n');
    for (const name of /** @type {const} */ (['page', 'worker', 'wasm', 'process'])) {
      const [from, to] = [level[name], last[name]];
      if (from === null || to === null) continue;
      const most = MOST_GROWTH[name];
      lines.push(`${name}: ${megabytes(from)} at round ${WARM_UP}, ${megabytes(to)} at the end`);
      if (to - from > most) this.problems.push(`${name} grew by more than ${megabytes(most)}`);
    }
    lines.push(
      `device memory after a clip: at most ${megabytes(this.levelLive)}, then ${megabytes(this.mostLive)}`,
    );
    if (this.mostLive > this.levelLive) this.problems.push('more stays on the device than did');
    return lines.join('\n');
  }
}

/** @typedef {'wasm' | 'webgpu'} Device */

/** @returns {{ minutes: number, clips: number, device: Device, help: boolean }} */
function parse() {
  const { values } = parseArgs({
    options: {
      minutes: { type: 'string', default: '10' },
      clips: { type: 'string', default: 'Infinity' },
      device: { type: 'string', default: 'wasm' },
      help: { type: 'boolean', default: false },
    },
  });
  const { device, help } = values;
  const [minutes, clips] = [Number(values.minutes), Number(values.clips)];
  if (!(minutes > 0)) throw new Error('--minutes: give a number above 0.');
  if (!(clips > 0)) throw new Error('--clips: give a number above 0.');
  if (device !== 'wasm' && device !== 'webgpu') throw new Error('--device: give wasm or webgpu.');
  return { minutes, clips, device, help };
}

/** @param {ReturnType<typeof parse>} options */
async function run({ minutes, clips, device }) {
  ensurePackages();
  if (!ensureBuild()) throw new Error('The page could not be built.');
  const { chromium } = await import('@playwright/test');
  const server = await startFileServer([{ prefix: '/', root: DIST }]);
  const browser = await chromium.launch(launchOptions(device === 'wasm' ? 'none' : 'software'));
  try {
    const page = await browser.newPage({ reducedMotion: 'reduce' });
    page.on('worker', (worker) => void worker.evaluate(watchMemories).catch(() => undefined));
    await page.goto(server.url);
    await page.waitForFunction('window.zoetrope !== undefined');
    const soak = new Soak(page, device);
    const end = performance.now() + minutes * 60_000;
    let saidAt = 0;
    while (performance.now() < end && soak.rounds < clips) {
      await soak.next();
      if (performance.now() - saidAt < 30_000) continue;
      saidAt = performance.now();
      process.stderr.write(`  … ${soak.rounds} rounds, ${soak.problems.length} problems\n`);
    }
    console.log(await soak.finish());
    for (const problem of soak.problems) console.log(`PROBLEM: ${problem}`);
    return soak.problems.length === 0 ? 0 : 1;
  } finally {
    await browser.close();
    await server.close();
  }
}

try {
  const options = parse();
  if (options.help) process.stdout.write(USAGE);
  else process.exitCode = await run(options);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 2;
}
