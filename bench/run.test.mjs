import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { ROOT } from '../scripts/packages.mjs';

const folder = mkdtempSync(join(tmpdir(), 'zoetrope-bench-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** @param {string[]} args */
function bench(...args) {
  const command = [join(ROOT, 'bench/run.mjs'), ...args];
  const { status, stdout, stderr } = spawnSync(process.execPath, command, {
    cwd: ROOT,
    encoding: 'utf8',
    // Vitest's own settings would make the server inside think that it is a test.
    env: { PATH: process.env['PATH'] ?? '' },
  });
  return { status, stdout, stderr };
}

describe('npm run bench', () => {
  test('an unknown benchmark is an error that names those there are', () => {
    const { status, stderr } = bench('--only', 'haste');
    expect(status).toBe(1);
    expect(stderr).toMatch(/no benchmark haste: there are budget, /);
  });

  test('an unknown option, or a value that an option does not have, is an error', () => {
    expect(bench('--speed', '9').status).toBe(1);
    expect(bench('--in', 'firefox').stderr).toMatch(/--in: firefox is not node, chromium/);
  });

  test('help lists the benchmarks and says what the exit code means', () => {
    const { status, stdout } = bench('--help');
    expect(status).toBe(0);
    expect(stdout).toMatch(/Exits with 1 on errors alone/);
    expect(stdout).toMatch(/^ {2}budget +\S/m);
  });

  test('figures are written as JSON, one row each', () => {
    const file = join(folder, 'bench.json');
    const options = ['--in', 'node', '--device', 'wasm', '--size', 'tiny', '--json', file];
    const { status, stdout } = bench('--only', 'budget', ...options);
    expect(stdout).toMatch(/peak \/ budget at 50 %/);
    expect(status).toBe(0);
    /** @type {{ device: string, rows: import('./context.ts').Row[] }} */
    const { device, rows } = JSON.parse(readFileSync(file, 'utf8'));
    expect(device).toMatch(/^node: CPU/);
    expect(rows.length).toBeGreaterThan(8);
    for (const row of rows) {
      expect(row).toEqual({
        name: expect.stringMatching(/^node\/budget\//),
        value: row.value === null ? null : expect.any(Number),
        unit: expect.any(String),
        goal: row.goal === null ? null : expect.any(String),
        holds: row.goal === null ? null : expect.any(Boolean),
      });
    }
    const named = rows.find(({ name }) => name === 'node/budget/peak / budget at 50 %');
    expect(named).toMatchObject({ unit: 'ratio', goal: '<= 1', holds: true });
  });
});
