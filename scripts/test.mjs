/**
 * @file `npm test`: every check there is, and the true total as the last line. Installs what is missing first.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureBrowser } from './browser.mjs';
import { ensurePackages, ROOT } from './packages.mjs';
import { addCounts, countPlaywright, countVitest } from './test-counts.mjs';

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
 * The counts of a report. A runner that fails without a failed test in its report, or that wrote none, is one failure.
 * @param {string} path
 * @param {boolean} didSucceed
 * @param {(report: any) => Counts} count
 * @returns {Counts}
 */
function countReport(path, didSucceed, count) {
  try {
    const counts = count(JSON.parse(readFileSync(path, 'utf8')));
    return !didSucceed && counts.failed === 0 ? addCounts([counts, FAILED]) : counts;
  } catch {
    return FAILED;
  }
}

/**
 * @param {string} folder For the runners' reports.
 * @param {string | undefined} browser
 * @returns {[string, Counts][]}
 */
function runAll(folder, browser) {
  /**
   * @param {string} title
   * @param {string} script
   * @param {string[]} args
   * @returns {[string, Counts]}
   */
  const check = (title, script, args) => [title, runTool(title, script, args) ? PASSED : FAILED];
  const unitReport = join(folder, 'vitest.json');
  const e2eReport = join(folder, 'playwright.json');
  const unit = () =>
    runTool('unit tests', 'vitest/vitest.mjs', [
      'run',
      '--reporter=default',
      '--reporter=json',
      `--outputFile.json=${unitReport}`,
    ]);
  const e2e = () =>
    runTool('end-to-end tests', '@playwright/test/cli.js', ['test', '--reporter=list,json'], {
      PLAYWRIGHT_JSON_OUTPUT_NAME: e2eReport,
      ...(browser === undefined ? {} : { PLAYWRIGHT_CHROMIUM: browser }),
    });
  /** @type {[string, Counts][]} */
  const results = [
    check('types', 'typescript/bin/tsc', []),
    check('lint', 'oxlint/bin/oxlint', ['--type-aware']),
    check('format', 'prettier/bin/prettier.cjs', ['--check', '.']),
    ['unit tests', countReport(unitReport, unit(), countVitest)],
  ];
  const build = check('build', 'vite/bin/vite.js', ['build']);
  results.push(build);
  if (browser === undefined) console.error('\nNo Chromium: the end-to-end tests cannot run.');
  const canRun = browser !== undefined && build[1] === PASSED;
  results.push([
    'end-to-end tests',
    canRun ? countReport(e2eReport, e2e(), countPlaywright) : FAILED,
  ]);
  return results;
}

ensurePackages();
const folder = mkdtempSync(join(tmpdir(), 'zoetrope-test-'));
const results = runAll(folder, ensureBrowser());
rmSync(folder, { recursive: true, force: true });

console.log('');
for (const [title, { passed, failed, skipped }] of results) {
  console.log(`${title.padEnd(18)} ${passed} passed, ${failed} failed, ${skipped} skipped`);
}
const total = addCounts(results.map(([, counts]) => counts));
process.exitCode = total.failed === 0 ? 0 : 1;
console.log('');
console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
