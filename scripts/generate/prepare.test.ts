/** @file What is refused before anything is built, opened or fetched, and what is left as it was. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { UsageError } from '../command-line.mjs';
import { requestReport } from './driven-page.mjs';
import { prepare, type Prepared } from './prepare.mjs';

const MARK = '{"software":"Zoetrope","model":"pocket"}';
const REPORT = { request: {}, parameters: {}, device: {}, seconds: {}, memory: {}, output: {} };

let folder = '';

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'zoetrope-prepare-'));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

const at = (name: string): string => join(folder, name);

function put(name: string, content = 'mine'): string {
  mkdirSync(join(at(name), '..'), { recursive: true });
  writeFileSync(at(name), content);
  return at(name);
}

/** Everything in the folder, with the texts of its files. */
function contents(): Record<string, string | undefined> {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true }).map((entry) => {
    const path = join(entry.parentPath, entry.name);
    return [path, entry.isFile() ? readFileSync(path, 'latin1') : undefined] as const;
  });
  return Object.fromEntries(entries);
}

function prepared(...args: string[]): Prepared {
  const before = contents();
  try {
    const result = prepare(args, ['pocket']);
    return result === 'help' ? expect.unreachable() : result;
  } finally {
    // Nothing was left of trying where one may write, and nothing was changed.
    expect(contents()).toEqual(before);
  }
}

function refusalOf(...args: string[]): string {
  try {
    prepared(...args);
  } catch (error) {
    expect(error).toBeInstanceOf(UsageError);
    const { message, hint } = error as UsageError;
    return `${message}\n${hint}`;
  }
  return expect.unreachable(`${args.join(' ')} was taken`);
}

describe('what is there already', () => {
  it('is refused unless the user insists', () => {
    const clip = put('clip.mp4');
    const report = put('r.json', '{}');
    const frames = put('frames/frame-0001.png');
    put('notes/notes.txt');
    const cases = [
      ['--out', clip],
      ['--out', at('frames')],
      ['--out', at('notes')],
      ['--out', at('new.gif'), '--report', report],
    ];
    for (const flags of cases) {
      expect(refusalOf('a', ...flags)).toContain('--force');
      expect(prepared('a', ...flags, '--force').replaced).toEqual([flags.at(-1)]);
    }
    expect(readFileSync(frames, 'utf8')).toBe('mine');
  });

  it('is replaced if the command made it', () => {
    const clip = put('clip.mp4', `ftyp…${MARK}…`);
    put('frames/frame-0000.png', MARK);
    put('frames/.DS_Store');
    const report = put('r.json', JSON.stringify(REPORT));
    expect(prepared('a', '--out', clip, '--report', report).replaced).toEqual([clip, report]);
    expect(prepared('a', '--out', at('frames')).replaced).toEqual([at('frames')]);
    const beside = put('frames/r.json', JSON.stringify(REPORT));
    const both = ['--out', at('frames'), '--report', beside];
    expect(prepared('a', ...both).replaced).toEqual([at('frames'), beside]);
    rmSync(beside);
    put('frames/frame-0001.png');
    expect(refusalOf('a', '--out', at('frames'))).toContain('is not empty');
    // Changed by ffmpeg, which keeps the marks.
    put('clip.mp4', `Lavf61${MARK}`);
    expect(refusalOf('a', '--out', clip)).toContain('exists already');
    put('clip.mp4', `${'x'.repeat(9e6)}${MARK}`);
    expect(prepared('a', '--out', clip).replaced).toEqual([clip]);
  });

  it('is refused for good where a file would take the place of something else', () => {
    mkdirSync(at('dir.json'));
    symlinkSync('nowhere', at('dangling.json'));
    symlinkSync('loop', at('loop'));
    put('file');
    const out = ['--out', at('x.gif'), '--force'];
    expect(refusalOf('a', ...out, '--report', at('dir.json'))).toContain('is a folder');
    expect(refusalOf('a', ...out, '--report', at('dangling.json'))).toContain('is a link');
    expect(refusalOf('a', '--out', at('loop/x.gif'))).toContain('links go round');
    expect(refusalOf('a', '--out', at('file'), '--force')).toContain('is a file');
    if (process.platform !== 'win32') {
      expect(refusalOf('a', ...out, '--report', '/dev/null')).toContain('is a device');
      expect(refusalOf('a', '--out', '/dev/full', '--force')).toContain('is a file');
      expect(refusalOf('a', ...out, '--report', '/dev/full')).toContain('is a device');
      expect(refusalOf('--prompts', '/dev/full', '--out', at('x'))).toContain('is a device');
    }
  });
});

it.skipIf(process.platform === 'win32')('a pipe is refused without waiting for its end', () => {
  execFileSync('mkfifo', [at('pipe.gif')]);
  expect(refusalOf('a', '--out', at('pipe.gif'))).toContain('is a device');
  expect(refusalOf('a', '--out', at('x.gif'), '--report', at('pipe.gif'))).toContain('is a device');
  const batch = ['--prompts', put('p.txt', 'a'), '--out', at('clips')];
  expect(refusalOf(...batch, '--report', at('pipe.gif'))).toContain('is a device');
});

it('an address as a place to write is refused', () => {
  expect(refusalOf('a', '--out', 'https://host/clip.gif')).toContain('is an address');
  expect(refusalOf('a', '--report', 's3://host/r.json')).toContain('is an address');
});

describe('two things of one name', () => {
  it.each([
    ['x.gif', 'x.gif', 'the same place'],
    ['x.gif', './x.gif', 'the same place'],
    ['link/x.gif', 'x.gif', 'the same place'],
    ['x', 'x', 'the same place'],
    ['x/y.gif', 'x', 'is inside'],
    ['x.gif', 'x.gif/r.json', 'is inside'],
    ['frames', 'frames/frame-0003.png', 'the name of a frame'],
    ['frames', 'link/frames/frame-0003.png/r.json', 'the name of a frame'],
  ])('--out %s and --report %s are refused', (out, report, message) => {
    symlinkSync('.', at('link'));
    const args = ['a', '--out', at(out), '--report', `${folder}/${report}`, '--force'];
    expect(refusalOf(...args)).toContain(message);
  });

  it('are reported where capital letters do not count, and taken where they do', () => {
    const isBlind = existsSync(put('case').toUpperCase().replace(folder.toUpperCase(), folder));
    const args = ['a', '--out', at('x.gif'), '--report', at('X.GIF')];
    if (isBlind) expect(refusalOf(...args)).toContain('the same place');
    else expect(prepared(...args).replaced).toEqual([]);
  });

  it('are refused where one is read', () => {
    const prompts = put('p.txt', 'a\nb\n');
    const lora = put('x.safetensors');
    const batch = ['--prompts', prompts, '--force', '--out'];
    expect(refusalOf(...batch, at('clips'), '--report', prompts)).toContain('--prompts reads');
    const single = ['a', '--out', at('x.gif'), '--lora', `${lora}:2`, '--report', lora, '--force'];
    expect(refusalOf(...single)).toContain('--lora reads');
    const inside = put('clips/000.json', '["a"]');
    expect(refusalOf('--prompts', inside, '--force', '--out', at('clips'))).toContain('clip 000');
    for (const name of ['000.json', '001', '001/r.json']) {
      const args = [...batch, at('clips'), '--report', at(`clips/${name}`)];
      expect(refusalOf(...args)).toContain('has the name of clip 00');
    }
  });

  it('a report beside the frames, or among the clips, is taken', () => {
    const prompts = put('p.txt', 'a\n');
    expect(prepared('a', '--out', at('f'), '--report', at('f/r.json')).replaced).toEqual([]);
    const batch = ['--prompts', prompts, '--out', at('clips'), '--report', at('clips/all.json')];
    const { request, clips } = prepared(...batch);
    expect(clips).toHaveLength(1);
    const made = requestReport(request, { prompt: 'a' });
    put('clips/000.json', JSON.stringify({ request: made }));
    put('clips/all.json', JSON.stringify([{ clip: '000', request: made }]));
    expect(prepared(...batch)).toMatchObject({ clips: [{ name: '000' }] });
    put('clips/all.json', JSON.stringify([{ clip: '000', request: { ...made, seed: 1 } }]));
    expect(refusalOf(...batch)).toContain('all.json exists already');
  });
});

describe('the folder of a batch', () => {
  it('with files of the user is refused, and with --force they stay', () => {
    const prompts = put('p.txt', 'a\nb\n');
    put('clips/notes.txt');
    put('clips/000/photo.jpg');
    put('clips/001.json', 'mine');
    const batch = ['--prompts', prompts, '--out', at('clips')];
    expect(refusalOf(...batch)).toContain('notes.txt is not of these prompts');
    rmSync(at('clips/notes.txt'));
    expect(refusalOf(...batch)).toContain('clip 000');
    rmSync(at('clips/000'), { recursive: true });
    expect(refusalOf(...batch)).toContain('001.json is not the report of a clip');
    const { clips } = prepared(...batch, '--force');
    expect(clips).toMatchObject([{ replaces: true }, { replaces: true }]);
    put('clips/000');
    expect(refusalOf(...batch, '--force')).toContain('000 is a file');
  });

  it('that cannot be looked at is refused', () => {
    symlinkSync('loop', at('loop'));
    const batch = ['--prompts', put('p.txt', 'a'), '--out'];
    expect(refusalOf(...batch, at('loop'))).toContain('is a link');
    expect(refusalOf(...batch, at('x'.repeat(300)))).toContain('the name is too long');
    expect(refusalOf(...batch, at('a\0b'))).toContain('NUL');
  });

  it('that is a file is refused', () => {
    put('clips');
    expect(refusalOf('--prompts', put('p.txt', 'a'), '--out', at('clips'))).toContain('is a file');
  });
});

describe('a place that cannot be written to', () => {
  it.each([
    ['file/clip.gif', 'is a file, not a folder'],
    ['file/sub/clip.gif', 'is a file, not a folder'],
    [`${'x'.repeat(300)}.gif`, 'the name is too long'],
    [`${'x'.repeat(300)}/clip.gif`, 'the name is too long'],
  ])('%s is refused', (name, message) => {
    put('file');
    expect(refusalOf('a', '--out', at(name))).toContain(message);
    expect(refusalOf('a', '--out', at('x.gif'), '--report', at(name))).toContain(message);
  });

  it.skipIf(process.platform !== 'linux')('the system’s own folders are refused', () => {
    expect(refusalOf('a', '--out', '/proc/clip.gif')).toContain('/proc/clip.gif cannot be written');
    expect(refusalOf('a', '--out', '/proc/frames')).toContain('/proc/frames cannot be written');
  });

  it.skipIf(process.getuid?.() === 0)('a read-only folder is refused', () => {
    mkdirSync(at('locked'));
    chmodSync(at('locked'), 0o555);
    expect(refusalOf('a', '--out', at('locked/x.gif'))).toContain('may not write there');
  });
});

/** Runs the command with a browser that leaves a mark where it is opened. */
async function command(...args: string[]): Promise<{ code: number; output: string }> {
  const browser = put('browser', `#!/bin/sh\ntouch ${at('opened')}\nexit 1\n`);
  chmodSync(browser, 0o755);
  const script = join(import.meta.dirname, '../generate.mjs');
  const child = spawn(process.execPath, [script, ...args, '--browser', browser], {
    cwd: folder,
    env: { ...process.env, PATH: [folder, process.env['PATH']].join(delimiter) },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (part: string) => (output += part));
  }
  const [code] = (await once(child, 'close')) as [number];
  return { code, output };
}

it.skipIf(process.platform === 'win32')(
  'the command exits with 2 before it builds or opens anything',
  async () => {
    put('clip.mp4');
    put('p.json', '[1]');
    const cases: [string[], string][] = [
      [['a'], '--out: clip.mp4 exists already.'],
      [['a', '--out', 'x.gif', '--report', 'x.gif'], 'are the same place'],
      [['--prompts', 'p.json', '--out', 'clips'], 'entry 0 is not a prompt'],
      [['a', '--out', 'x.gif', '--seed', '18446744073709551616'], '--seed: 18446744073709551616'],
      [['a', '--out', 'x.gif', '--lora', './none.safetensors'], './none.safetensors'],
      [['--seed', '1'], 'The prompt is missing.'],
    ];
    const ended = await Promise.all(cases.map(([args]) => command(...args)));
    for (const [index, { code, output }] of ended.entries()) {
      expect(output).toContain(cases[index]?.[1]);
      expect(output).not.toContain('Building');
      expect(code, output).toBe(2);
    }
    expect(existsSync(at('opened'))).toBe(false);
    expect(readFileSync(at('clip.mp4'), 'utf8')).toBe('mine');
  },
);
