/**
 * @file `npm run fuzz`: damaged inputs at random, for as long as is asked for. Every case must end within two seconds, in
 * success or in an error that says what is wrong and what to do. Cases run in a child process, which is ended if one does
 * not end by itself.
 */
import { fork } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { EXIT_FAILURE, runCommand } from './command-line.mjs';
import { parseCommandLine, USAGE } from './fuzz/arguments.mjs';
import { ensurePackages, ROOT } from './packages.mjs';

/** @typedef {import('./fuzz/run.ts').Judged} Judged */
/** @typedef {import('./fuzz/arguments.mjs').FuzzRequest} FuzzRequest */
/** @typedef {{ cases: number, successes: number, untyped: number, slow: number, other: number, seconds: number }} Tally */

/** Some seconds more than a case may take, so that a busy machine ends none that would have ended. */
const HANG_MS = 10_000;

const CHILD = join(ROOT, 'scripts/fuzz/child.mjs');
const CORPUS = join(ROOT, 'scripts/fuzz/corpus');

/**
 * Runs cases from `first` on until the child ends or hangs.
 * @param {{ target: string, seed: number, first: number, count: number, seconds: number }} job
 * @param {(judged: Judged) => void} onCase
 * @returns {Promise<{ next: number | undefined, seconds: number }>} The number of the next case, if there is one; how long
 *   cases ran.
 */
function runChild(job, onCase) {
  return new Promise((resolve, reject) => {
    const child = fork(CHILD, [JSON.stringify(job)], {
      cwd: ROOT,
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    /** @type {{ index: number, input: import('./fuzz/target.ts').Case, at: number } | undefined} */
    let running;
    let isDone = false;
    let started = Infinity;
    const seconds = () => Math.max(0, performance.now() - started) / 1000;
    const watch = setInterval(() => {
      if (running && performance.now() - running.at > HANG_MS) child.kill('SIGKILL');
    }, 200);
    child.on('message', (/** @type {any} */ message) => {
      if (message === 'done') isDone = true;
      else if ('outcome' in message) {
        running = undefined;
        onCase(message);
      } else {
        running = { ...message, at: performance.now() };
        started = Math.min(started, performance.now());
      }
    });
    child.on('close', (code, signal) => {
      clearInterval(watch);
      if (isDone) resolve({ next: undefined, seconds: seconds() });
      else if (running) {
        const { index, input, at } = running;
        const ms = performance.now() - at;
        const what = signal === 'SIGKILL' ? 'did not end' : `ended the process (${signal ?? code})`;
        onCase({ index, input, ms, fault: ms > HANG_MS ? 'slow' : 'untyped', outcome: what });
        resolve({ next: index + 1, seconds: seconds() });
      } else reject(new Error(`The fuzzer of ${job.target} could not run: see above.`));
    });
  });
}

/**
 * @param {string} target
 * @param {FuzzRequest & { seed: number }} request
 * @param {number} seconds
 * @returns {Promise<Tally>}
 */
async function fuzz(target, { seed, first, cases, save }, seconds) {
  const tally = { cases: 0, successes: 0, untyped: 0, slow: 0, other: 0, seconds: 0 };
  /** @type {Set<string>} */
  const seen = new Set();
  /** @param {Judged} judged */
  const note = (judged) => {
    const { index, input, fault, outcome, ms } = judged;
    tally.cases++;
    if (outcome === 'success') tally.successes++;
    if (fault === undefined) return;
    if (fault === 'untyped') tally.untyped++;
    else if (fault === 'slow') tally.slow++;
    else tally.other++;
    // Cases that differ in numbers alone fail for one reason.
    const kind = `${fault} ${outcome.slice(0, 120).replace(/\d+/g, '0')}`;
    if (seen.has(kind)) return;
    seen.add(kind);
    console.log(`\n${target}: ${fault}, ${Math.round(ms)} ms: ${outcome}`);
    console.log(`  case: ${JSON.stringify(input).slice(0, 500)}`);
    console.log(
      `  again: npm run fuzz -- --only ${target} --seed ${seed} --first ${index} --cases 1`,
    );
    if (!save) return;
    const file = join(CORPUS, `${target}-${seed}-${index}.json`);
    writeFileSync(file, `${JSON.stringify({ target, input }, undefined, 2)}\n`);
    console.log(`  saved: ${file}`);
  };
  /** @type {number | undefined} */
  let next = first;
  const end = cases === undefined ? Number.MAX_SAFE_INTEGER : first + cases;
  while (next !== undefined && next < end && tally.seconds < seconds) {
    const left = seconds - tally.seconds;
    const job = { target, seed, first: next, count: end - next, seconds: left };
    const part = await runChild(job, note);
    tally.seconds += part.seconds;
    next = part.next;
  }
  return tally;
}

async function main() {
  const request = parseCommandLine(process.argv.slice(2));
  if (request === 'help') {
    process.stdout.write(USAGE);
    return;
  }
  ensurePackages();
  const seed = request.seed ?? Math.floor(Math.random() * 2 ** 31);
  console.log(`seed ${seed}`);
  const { targets, seconds } = request;
  /** @type {Record<string, object>} */
  const table = {};
  let faults = 0;
  for (const target of targets) {
    const tally = await fuzz(target, { ...request, seed }, seconds / targets.length);
    const { cases, successes, untyped, slow, other } = tally;
    faults += untyped + slow + other;
    table[target] = {
      cases,
      succeeded: successes,
      untyped,
      'over 2 s': slow,
      'wrong or unclear': other,
      'cases a second': tally.seconds > 0 ? Math.round(cases / tally.seconds) : 0,
    };
  }
  console.log('');
  console.table(table);
  if (faults > 0) process.exitCode = EXIT_FAILURE;
}

await runCommand(main);
