/** @file Checks the examples of the documents without running them; readme.browser.test.ts runs those in TypeScript. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseCommandLine as parseBench } from '../../bench/arguments.mjs';
import { parseCommandLine as parseFuzz, USAGE as FUZZ } from '../fuzz/arguments.mjs';
import { parseCommandLine as parseGenerate, USAGE as GENERATE } from '../generate/arguments.mjs';
import { ROOT } from '../packages.mjs';
import { parseCommandLine as parsePlan, USAGE as PLAN } from '../plan/arguments.mjs';
import { parseCommandLine as parseVerify, USAGE as VERIFY } from '../verify/arguments.mjs';
import { documentedExamples, examplesIn, moduleOf } from './examples.mjs';

const EXAMPLES = documentedExamples();
const README = readFileSync(join(ROOT, 'README.md'), 'utf8');
const SCRIPTS = (
  JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>;
  }
).scripts;

/** The parsers of the commands that take arguments. */
const PARSERS: Record<string, (args: string[]) => unknown> = {
  generate: (args) => parseGenerate(args, ['pocket']),
  plan: (args) => parsePlan(args, ['pocket']),
  verify: (args) => parseVerify(args, ['pocket']),
  bench: parseBench,
  fuzz: parseFuzz,
};

const inLanguage = (language: string) =>
  EXAMPLES.filter((example) => example.language === language);

let folder: string;

beforeAll(() => {
  // Below node_modules, where the compiler finds the packages' types and Git sees nothing.
  const parent = join(ROOT, 'node_modules/.cache');
  mkdirSync(parent, { recursive: true });
  folder = mkdtempSync(join(parent, 'readme-'));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('examples in TypeScript', () => {
  it('are right by the types of the package', () => {
    const files = inLanguage('ts').map((example, i) => {
      writeFileSync(join(folder, `${i}.ts`), moduleOf(example));
      return `${i}.ts`;
    });
    const config = {
      extends: join(ROOT, 'tsconfig.json'),
      // A reader uses the constants later.
      compilerOptions: { noUnusedLocals: false, paths: { zoetrope: [join(ROOT, 'src/index.ts')] } },
      files,
      include: [],
    };
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config));
    const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
    const { stdout } = spawnSync(process.execPath, [tsc, '-p', folder], { encoding: 'utf8' });
    expect(stdout).toBe('');
    expect(files.length).toBeGreaterThanOrEqual(5);
  });
});

describe('examples in JSON', () => {
  it('can be parsed', () => {
    for (const { code } of inLanguage('json')) expect(() => JSON.parse(code)).not.toThrow();
  });
});

describe('commands', () => {
  it.each(commands())('%s is understood', (command) => {
    const [, run, script = '', ...rest] = words(command.replace(/^npm (?=start|test)/, 'npm run '));
    expect(run).toBe('run');
    expect(SCRIPTS).toHaveProperty([script]);
    expect(rest.length === 0 || rest[0] === '--').toBe(true);
    const args = rest.slice(1);
    if (args.length === 0) return;
    expect(PARSERS).toHaveProperty([script]);
    expect(() => PARSERS[script]?.(args.map(inFolder))).not.toThrow();
  });

  it.each(flags())('%s is a flag of a command', (flag) => {
    const usage = [GENERATE, PLAN, VERIFY, FUZZ].join('\n');
    expect(usage).toMatch(new RegExp(`${flag}(?![\\w-])`));
  });
});

describe('examplesIn', () => {
  it('finds blocks with the line that they begin at', () => {
    const text = 'a\n\n```ts\nconst a = 1;\n\nb();\n```\n\n```\nplain\n```\n';
    expect(examplesIn('x.md', text)).toEqual([
      { title: 'x.md:4', language: 'ts', code: 'const a = 1;\n\nb();\n' },
      { title: 'x.md:10', language: '', code: 'plain\n' },
    ]);
  });
});

/** In blocks, without their comments, and within sentences. */
function commands(): string[] {
  const lines = inLanguage('sh').flatMap(({ code }) => code.split('\n'));
  const inline = [...README.matchAll(/`(npm [^`]+)`/g)].map(([, command = '']) => command);
  const all = [...lines, ...inline].map((line) => line.replace(/\s+#.*$/, '').trim());
  return [...new Set(all.filter((line) => line !== ''))];
}

/** Flags that sentences name. */
function flags(): string[] {
  const text = README.replaceAll(/^```.*?^```$/gms, '');
  const spans = [...text.matchAll(/`([^`]+)`/g)].map(([, span = '']) => span);
  return [...new Set(spans.flatMap((span) => span.match(/(?<=^|\s)--[a-z][a-z-]+/g) ?? []))];
}

function words(line: string): string[] {
  return (line.match(/"[^"]*"|\S+/g) ?? []).map((word) => word.replace(/^"(.*)"$/, '$1'));
}

/** A file of prompts as the text describes it, since the parser reads it. */
function inFolder(argument: string): string {
  if (argument !== 'prompts.json') return argument;
  const [, list = ''] = /`prompts\.json` is `(\[[^`]+\])`/.exec(README) ?? [];
  const path = join(folder, argument);
  writeFileSync(path, list.replace(/,\s*…/, ''));
  return path;
}
