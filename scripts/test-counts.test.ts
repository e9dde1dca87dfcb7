import { expect, it } from 'vitest';
import {
  countPlaywright,
  countVitest,
  skippedInPlaywright,
  skippedInVitest,
} from './test-counts.mjs';

const tests = (...statuses: string[]): { status: string }[] =>
  statuses.map((status) => ({ status }));

it('counts tests, and a file that cannot be loaded as one failure', () => {
  const report = {
    testResults: [
      { status: 'passed', assertionResults: tests('passed', 'passed', 'skipped', 'todo') },
      { status: 'failed', assertionResults: tests('passed', 'failed') },
      { status: 'failed', assertionResults: [] },
    ],
  };
  expect(countVitest(report)).toEqual({ passed: 3, failed: 2, skipped: 2 });
});

it('counts flaky tests as failed, and an error outside of tests', () => {
  const stats = { expected: 4, unexpected: 1, flaky: 1, skipped: 2 };
  expect(countPlaywright({ stats, errors: [] })).toEqual({ passed: 4, failed: 2, skipped: 2 });
  const none = { expected: 0, unexpected: 0, flaky: 0, skipped: 0 };
  expect(countPlaywright({ stats: none, errors: ['no config'] }).failed).toBe(1);
});

it('names the tests that were skipped', () => {
  const passed = { status: 'passed', fullName: 'a' };
  const testResults = [
    { assertionResults: [passed, { status: 'skipped', fullName: 'b' }] },
    { assertionResults: [{ status: 'todo', fullName: 'd' }] },
  ];
  expect(skippedInVitest({ testResults })).toEqual(['b', 'd']);
  const specs = [
    { title: 'in Firefox', tests: [{ status: 'skipped' }] },
    { title: 'in Chromium', tests: [{ status: 'expected' }] },
  ];
  const suites = [{ title: 'a.spec.ts', suites: [{ title: 'group', specs }] }];
  expect(skippedInPlaywright({ suites })).toEqual(['group › in Firefox']);
});
