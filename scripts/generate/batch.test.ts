import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { UsageError } from '../command-line.mjs';
import { parseCommandLine, type Request } from './arguments.mjs';
import { clipsToMake } from './batch.mjs';
import { BatchProgress } from './batch-progress.mjs';
import { requestReport } from './driven-page.mjs';

let folder = '';

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'zoetrope-batch-'));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** The request of a batch whose clips go to `clips`. */
function parse(prompts: unknown, ...flags: string[]): Request {
  const isText = typeof prompts === 'string';
  const file = join(folder, isText ? 'prompts.txt' : 'prompts.json');
  writeFileSync(file, isText ? prompts : JSON.stringify(prompts));
  const out = join(folder, 'clips');
  const request = parseCommandLine(['--prompts', file, '--out', out, ...flags], ['pocket']);
  return request === 'help' ? expect.unreachable() : request;
}

const toMake = (request: Request): string[] =>
  clipsToMake(request.batch ?? [], request).map(({ name }) => name);

describe('a file of prompts', () => {
  it('is a list whose entries have options of their own', () => {
    const list = [{ prompt: 'a star', seed: 9 }, 'a fish', { prompt: 'x', negativePrompt: 'y' }];
    expect(parse(list, '--seed', '7', '--width', '32')).toMatchObject({
      generate: { prompt: 'a star' },
      batch: [
        { prompt: 'a star', seed: 9, width: 32 },
        { prompt: 'a fish', seed: 7, width: 32 },
        { prompt: 'x', negativePrompt: 'y', seed: 7, width: 32 },
      ],
      output: { container: 'png' },
    });
  });

  it('or has a prompt a line', () => {
    expect(parse('a star\r\n\n a fish \n').batch).toEqual([
      { prompt: 'a star' },
      { prompt: ' a fish ' },
    ]);
  });

  it.each([
    [[], 'has no prompt'],
    ['\n', 'has no prompt'],
    [{ prompt: 'a' }, 'not a list'],
    [[1], 'entry 0 is not a prompt'],
    [['a', null], 'entry 1 is not a prompt'],
    [[{ seed: 1 }], 'has no “prompt”'],
    [[{ prompt: 'a', seed: '1' }], '“seed” that is not a number'],
    [[{ prompt: 1 }], '“prompt” that is not a text'],
    [[{ prompt: 'a', colour: 'red' }], '“colour”'],
  ])('refuses %j', (prompts, message) => {
    expect(() => parse(prompts)).toThrow(UsageError);
    expect(() => parse(prompts)).toThrow(message);
  });

  it.each([
    [['--prompts', 'none.json', '--out', 'clips'], 'cannot be read'],
    [['--prompts', 'package.json', '--out', 'clips'], 'not a list'],
    [['a star', '--prompts', 'package.json', '--out', 'clips'], 'a star'],
    [['--prompts', 'README.md'], 'needs a folder'],
    [['--prompts', 'README.md', '--out', 'clip.mp4'], 'needs a folder'],
    [['--prompts', 'README.md', '--out', 'clips', '--container', 'mov'], 'mov'],
    [['a star', '--container', 'gif'], 'goes with --prompts'],
  ])('and a command line such as %j', (args, message) => {
    expect(() => parseCommandLine(args, ['pocket'])).toThrow(UsageError);
    expect(() => parseCommandLine(args, ['pocket'])).toThrow(message);
  });
});

/** As a run leaves it: with the clip's report, or with the claim alone. */
function leave(name: string, request: Request, prompt: string, isDone = true): void {
  mkdirSync(request.output.path, { recursive: true });
  const report = {
    request: requestReport(request, { prompt }),
    ...(isDone && { parameters: {} }),
  };
  writeFileSync(join(request.output.path, `${name}.json`), JSON.stringify(report));
  if (isDone) mkdirSync(join(request.output.path, name));
}

describe('the clips that are left to make', () => {
  const PROMPTS = ['a', 'b', 'c'];

  it('are all, under numbers of one length', () => {
    expect(toMake(parse(PROMPTS))).toEqual(['000', '001', '002']);
    const [first, ...rest] = toMake(parse(Array.from({ length: 1001 }, () => 'a')));
    expect([first, rest.at(-1)]).toEqual(['0000', '1000']);
    const [clip] = clipsToMake([{ prompt: 'a' }], parse(PROMPTS, '--container', 'gif'));
    expect(clip?.output.path).toBe(join(folder, 'clips', '000.gif'));
  });

  it('are those that are not there, or were not finished', () => {
    const request = parse(PROMPTS);
    leave('000', request, 'a');
    leave('001', request, 'b', false);
    mkdirSync(join(request.output.path, '001.77.part'));
    expect(toMake(request)).toEqual(['001', '002']);
    rmSync(join(request.output.path, '000'), { recursive: true });
    expect(toMake(request)).toEqual(['000', '001', '002']);
  });

  it('are none of other prompts, other settings or other files', () => {
    const request = parse(PROMPTS);
    leave('000', request, 'a');
    expect(() => toMake(parse(['x', 'b']))).toThrow(/clip 000 .* something else/);
    expect(() => toMake(parse(PROMPTS, '--weights', 'q4'))).toThrow(/something else/);
    expect(() => toMake(parse(PROMPTS, '--scale', '2'))).toThrow(/something else/);
    leave('002', request, 'c');
    expect(() => toMake(parse(['a', 'b']))).toThrow(/002/);
    rmSync(join(request.output.path, '002.json'));
    expect(() => toMake(request)).toThrow(/clip 002 .* something else/);
    writeFileSync(join(request.output.path, 'notes.txt'), '');
    expect(() => toMake(request)).toThrow(/notes.txt/);
  });

  it('are none of a damaged report', () => {
    const request = parse(PROMPTS);
    leave('000', request, 'a');
    writeFileSync(join(request.output.path, '000.json'), '{');
    expect(() => toMake(request)).toThrow(UsageError);
  });
});

it('the bar goes over all clips, and tells the time from those that were made', () => {
  let now = 1000;
  const progress = new BatchProgress(4, () => now);
  progress.begin(0);
  now += 3000;
  expect(progress.over({ fraction: 0.5, text: 'Denoising', etaSeconds: 1 })).toEqual({
    fraction: 0.125,
    text: 'Clip 1 of 4, Denoising',
    etaSeconds: undefined,
  });
  progress.begin(1);
  now += 3000;
  expect(progress.over({ fraction: 0.5, text: 'Drawing', etaSeconds: 1 })).toEqual({
    fraction: 0.375,
    text: 'Clip 2 of 4, Drawing',
    etaSeconds: 10,
  });
  // Saving has a bar of its own.
  expect(progress.over({ fraction: 0, text: 'Saving', etaSeconds: 1 }).fraction).toBe(0.375);
});
