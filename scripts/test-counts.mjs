/** @file Reads from the runners' JSON reports how many tests passed, failed and were skipped, and which were skipped. */

/** @typedef {{ passed: number, failed: number, skipped: number }} Counts */

/**
 * @param {Counts[]} all
 * @returns {Counts}
 */
export function addCounts(all) {
  const total = { passed: 0, failed: 0, skipped: 0 };
  for (const { passed, failed, skipped } of all) {
    total.passed += passed;
    total.failed += failed;
    total.skipped += skipped;
  }
  return total;
}

/**
 * A file that could not be loaded has no tests in the report: it counts as one failure.
 * @param {{ testResults: { status: string, assertionResults: { status: string }[] }[] }} report
 * @returns {Counts}
 */
export function countVitest({ testResults }) {
  return addCounts(
    testResults.map(({ status, assertionResults }) => {
      const counts = { passed: 0, failed: 0, skipped: 0 };
      for (const { status: each } of assertionResults) {
        if (each === 'passed') counts.passed++;
        else if (each === 'failed') counts.failed++;
        else counts.skipped++;
      }
      if (status === 'failed' && counts.failed === 0) counts.failed = 1;
      return counts;
    }),
  );
}

/**
 * A test that passed only when it was repeated counts as failed. Errors outside tests count too.
 * @param {{ stats: { expected: number, unexpected: number, flaky: number, skipped: number }, errors: unknown[] }} report
 * @returns {Counts}
 */
export function countPlaywright({ stats, errors }) {
  const failed = stats.unexpected + stats.flaky;
  return {
    passed: stats.expected,
    failed: failed === 0 && errors.length > 0 ? 1 : failed,
    skipped: stats.skipped,
  };
}

/**
 * The titles of the tests that Vitest skipped.
 * @param {{ testResults: { assertionResults: { status: string, fullName: string }[] }[] }} report
 */
export function skippedInVitest({ testResults }) {
  return testResults.flatMap(({ assertionResults }) =>
    assertionResults
      .filter(({ status }) => status !== 'passed' && status !== 'failed')
      .map(({ fullName }) => fullName),
  );
}

/**
 * @typedef {{ title: string, suites?: Suite[], specs?: { title: string, tests: { status: string }[] }[] }} Suite
 */

/**
 * The titles of the tests that Playwright skipped, each after its file's.
 * @param {{ suites: Suite[] }} report
 * @returns {string[]}
 */
export function skippedInPlaywright({ suites }) {
  return suites.flatMap(({ title, suites: inner = [], specs = [] }) => [
    ...specs
      .filter(({ tests }) => tests.some(({ status }) => status === 'skipped'))
      .map((spec) => `${title} › ${spec.title}`),
    ...skippedInPlaywright({ suites: inner }),
  ]);
}
