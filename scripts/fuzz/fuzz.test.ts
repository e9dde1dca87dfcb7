/** @file What failed once, and some hundred fresh cases of every kind: a short `npm run fuzz`. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { modelFormat } from '../../src/errors.ts';
import { TARGET_NAMES } from './arguments.mjs';
import { caseOf, type Judged, runCases } from './run.ts';
import { type Case, judge, LONGEST_MS } from './target.ts';
import { TARGETS } from './targets.ts';

interface Kept {
  readonly target: string;
  readonly input: Case;
  /** A part of how it must end; absent: any end that is not a fault. */
  readonly ends?: string;
}

const FOLDER = 'scripts/fuzz/corpus';
const CORPUS = readdirSync(FOLDER).filter((file) => file.endsWith('.json'));

/** The same in every run: a failure here is a failure for everyone. */
const SEED = 17;
const CASES = 100;

afterAll(async () => {
  for (const target of TARGETS) await target.close?.();
});

test('the command line knows every target', () => {
  expect(TARGETS.map(({ name }) => name)).toEqual(TARGET_NAMES);
});

test('the same seed makes the same cases, and another seed makes others', () => {
  for (const target of TARGETS) {
    const some = (seed: number): Case[] => [0, 1, 2].map((index) => caseOf(target, seed, index));
    expect(some(1)).toEqual(some(1));
    expect(some(1)).not.toEqual(some(2));
  }
});

describe('what failed once ends as it should', () => {
  test.each(CORPUS)('%s', async (file) => {
    const { target, input, ends } = JSON.parse(readFileSync(join(FOLDER, file), 'utf8')) as Kept;
    const found = TARGETS.find(({ name }) => name === target);
    if (!found) throw new Error(`no target ${target}`);
    const verdict = await judge(found, input);
    expect(verdict, verdict.outcome).not.toHaveProperty('fault');
    expect(verdict.ms).toBeLessThan(LONGEST_MS);
    if (ends !== undefined) expect(verdict.outcome).toContain(ends);
  });
});

test.each(TARGETS)(`${CASES} cases of $name end in success or in a clear error`, async (target) => {
  const all: Judged[] = [];
  const count = CASES;
  await runCases(target, { seed: SEED, count, after: (judged) => void all.push(judged) });
  expect(all.filter(({ fault }) => fault !== undefined)).toEqual([]);
  // Else the fuzzer damages so much that nothing behind the first check is ever reached.
  const successes = all.filter(({ outcome }) => outcome === 'success').length;
  expect(successes).toBeGreaterThan(CASES / 50);
});

function run(task: () => Promise<void>): ReturnType<typeof judge> {
  return judge({ name: 'x', about: '', generate: () => ({}), run: task }, {});
}

test('the judge sees what is wrong', async () => {
  expect(await run(() => Promise.resolve())).toMatchObject({ outcome: 'success' });
  expect(await run(() => Promise.reject(new TypeError('x')))).toMatchObject({ fault: 'untyped' });
  expect(
    await run(() => Promise.reject(modelFormat('a.json: dim is 3', 'Mend it.'))),
  ).not.toHaveProperty('fault');
  for (const [message, hint] of [
    ['dim is undefined.', 'Mend it.'],
    ['dim is [object Object].', 'Mend it.'],
    ['dim is NaN.', 'Mend it.'],
    ['dim is wrong.', ''],
  ] as const) {
    expect(await run(() => Promise.reject(modelFormat(message, hint)))).toMatchObject({
      fault: 'unclear',
    });
  }
});
