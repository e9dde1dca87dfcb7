/** @file The process in which cases run; `fuzz.mjs` watches it. */
import { withEngine } from '../engine.mjs';

const { target: name, seed, first, count, seconds } = JSON.parse(process.argv[2] ?? '{}');

/**
 * Handed over before the next case begins: a case that hangs keeps nothing back.
 * @param {unknown} message
 * @returns {Promise<void>}
 */
function send(message) {
  return new Promise((resolve) => process.send?.(message, undefined, undefined, () => resolve()));
}

await withEngine(async (load) => {
  const { TARGETS } = await load('/scripts/fuzz/targets.ts');
  const { runCases } = await load('/scripts/fuzz/run.ts');
  const until = performance.now() + seconds * 1000;
  const target = TARGETS.find((/** @type {{ name: string }} */ each) => each.name === name);
  await runCases(target, {
    seed,
    first,
    count,
    until: () => performance.now() >= until,
    before: (/** @type {number} */ index, /** @type {unknown} */ input) => send({ index, input }),
    after: send,
  });
  await target.close?.();
});
await send('done');
// The engine's loader may keep timers.
process.exit(0);
