/**
 * @file `npm test`: every check, and the true total as the last line. `--all` (`npm run test:all`) adds the heavy tests,
 * which take minutes each. Installs what is missing first.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ensureBrowser } from './browser.mjs';
import { ensurePackages, ROOT } from './packages.mjs';
import {
  addCounts,
  countPlaywright,
  countVitest,
  skippedInPlaywright,
  skippedInVitest,
} from './test-counts.mjs';

/** @typedef {import('./test-counts.mjs').Counts} Counts */

const PASSED = { passed: 1, failed: 0, skipped: 0 };
const FAILED = { passed: 0, failed: 1, skipped: 0 };

/**
 * @param {string} title
 * @param {string} script Path of a Node program below `node_modules`.
 * @param {string[]} args
 * @param {Record<string, string>} [env]
 */
function runTool(title, script, args, env = {}) {
  console.log(`\n── ${title}`);
  const { status } = spawnSync(process.execPath, [join(ROOT, 'node_modules', script), ...args], {
    cwd: ROOT,
    stdio: 'inherit',
    env: { ...process.env, ...env },
  });
  return status === 0;
}

/**
 * A runner's counts, and the titles of the tests that it skipped.
 * @typedef {{ counts: Counts, skipped: string[] }} Outcome
 */

/**
 * Reads a report. A runner that fails without a failed test in its report, or that wrote none, is one failure.
 * @param {string} path
 * @param {boolean} didSucceed
 * @param {(report: any) => Counts} count
 * @param {(report: any) => string[]} listSkipped
 * @returns {Outcome}
 */
function readReport(path, didSucceed, count, listSkipped) {
  try {
    const report = JSON.parse(readFileSync(path, 'utf8'));
    const counts = count(report);
    const isSilent = !didSucceed && counts.failed === 0;
    return {
      counts: isSilent ? addCounts([counts, FAILED]) : counts,
      skipped: listSkipped(report),
    };
  } catch {
    return { counts: FAILED, skipped: [] };
  }
}

/**
 * @param {string} folder For the runners' reports.
 * @param {string | undefined} browser
 * @param {boolean} withHeavy
 * @returns {[string, Outcome][]}
 */
function runAll(folder, browser, withHeavy) {
  /**
   * @param {string} title
   * @param {string} script
   * @param {string[]} args
   * @returns {[string, Outcome]}
   */
  const check = (title, script, args) => [
    title,
    { counts: runTool(title, script, args) ? PASSED : FAILED, skipped: [] },
  ];
  /**
   * @param {string} title
   * @param {string} project
   * @returns {[string, Outcome]}
   */
  const unit = (title, project) => {
    const path = join(folder, `${title}.json`);
    const args = ['run', `--project=${project}`, '--reporter=default', '--reporter=json'];
    const didSucceed = runTool(title, 'vitest/vitest.mjs', [...args, `--outputFile.json=${path}`]);
    return [title, readReport(path, didSucceed, countVitest, skippedInVitest)];
  };
  /**
   * @param {string} title
   * @param {string} project
   * @returns {[string, Outcome]}
   */
  const e2e = (title, project) => {
    const path = join(folder, `${title}.json`);
    const args = ['test', `--project=${project}`, '--reporter=list,json'];
    const didSucceed = runTool(title, '@playwright/test/cli.js', args, {
      PLAYWRIGHT_JSON_OUTPUT_NAME: path,
      ...(browser === undefined ? {} : { PLAYWRIGHT_CHROMIUM: browser }),
    });
    return [title, readReport(path, didSucceed, countPlaywright, skippedInPlaywright)];
  };
  const results = [
    check('types', 'typescript/bin/tsc', []),
    check('lint', 'oxlint/bin/oxlint', ['--type-aware']),
    check('format', 'prettier/bin/prettier.cjs', ['--check', '.']),
    unit('unit tests', '!heavy'),
  ];
  const build = check('build', 'vite/bin/vite.js', ['build']);
  results.push(build);
  if (browser === undefined) console.error('\nNo Chromium: the end-to-end tests cannot run.');
  const canRun = browser !== undefined && build[1].counts === PASSED;
  /** @type {Outcome} */
  const cannot = { counts: FAILED, skipped: [] };
  results.push(canRun ? e2e('end-to-end tests', 'chromium') : ['end-to-end tests', cannot]);
  if (withHeavy) {
    results.push(unit('heavy tests', 'heavy'));
    results.push(canRun ? e2e('heavy end-to-end', 'heavy') : ['heavy end-to-end', cannot]);
  }
  return results;
}

const { values } = parseArgs({ options: { all: { type: 'boolean', default: false } } });
ensurePackages();
const folder = mkdtempSync(join(tmpdir(), 'zoetrope-test-'));
const results = runAll(folder, ensureBrowser(), values.all);
rmSync(folder, { recursive: true, force: true });

console.log('');
for (const [title, { skipped }] of results) {
  for (const test of skipped) console.log(`skipped, ${title}: ${test}`);
}
for (const [title, { counts }] of results) {
  const { passed, failed, skipped } = counts;
  console.log(`${title.padEnd(18)} ${passed} passed, ${failed} failed, ${skipped} skipped`);
}
const total = addCounts(results.map(([, { counts }]) => counts));
process.exitCode = total.failed === 0 ? 0 : 1;
console.log('');
console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
