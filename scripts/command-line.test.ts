import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { UsageError } from './command-line.mjs';
import { VIDEO_CODECS } from '../src/media/codecs.ts';
import { CODECS, parseCommandLine } from './generate/arguments.mjs';
import { parseCommandLine as parsePlan } from './plan/arguments.mjs';
import { parseCommandLine as parseVerify } from './verify/arguments.mjs';

let folder = '';

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'zoetrope-line-'));
  writeFileSync(join(folder, 'x.safetensors'), '');
  mkdirSync(join(folder, 'model'));
});

afterAll(() => rmSync(folder, { recursive: true }));

const generate = (...args: string[]): ReturnType<typeof parseCommandLine> =>
  parseCommandLine(['a', ...args], ['pocket']);

it('knows the codecs of each container in the order of the engine', () => {
  expect(CODECS).toEqual({ ...VIDEO_CODECS, gif: [], png: [] });
});

function messageOf(parse: () => unknown): string {
  try {
    parse();
  } catch (error) {
    expect(error).toBeInstanceOf(UsageError);
    const { message, hint } = error as UsageError;
    return `${message} ${hint}`;
  }
  return expect.unreachable('it was taken');
}

it.each([
  [['--sed', '7'], '--sed is not an option. Did you mean --seed?'],
  [['--num_frames', '5'], 'Did you mean --num-frames?'],
  [['--output=x.gif'], '--output is not an option. Did you mean --out?'],
  [['-o', 'x.gif'], '-o is not an option.'],
  [['--token', 'hf_secret'], 'HF_TOKEN'],
  [['--seed'], 'argument missing'],
  [['--out', ''], '--out is empty.'],
  [['--model='], '--model is empty.'],
  [['--lora', ''], '--lora is empty.'],
  [['--out', '-'], '“-” is not the name of a file'],
  [['--report', '-'], '“-” is not the name of a file'],
  [['--seed', '1.5'], '--seed: 1.5 is not a whole number'],
  [['--seed', '18446744073709551616'], '18446744073709551616 is not a whole number from −2^63'],
  [['--seed', '-9223372036854775809'], '−2^63'],
  [['--width', '0'], '--width: 0 is not a whole number of 1 or more.'],
  [['--height', '-16'], '--height: -16'],
  [['--num-frames', '1.5'], '--num-frames: 1.5'],
  [['--num-inference-steps', '0'], '--num-inference-steps: 0 is not a whole number from 1 to 1000'],
  [['--guidance-scale', '-1'], '--guidance-scale: -1 is not a number from 0 to 100'],
  [['--guidance-scale', 'Infinity'], 'not a number'],
  [['--frame-rate', '0'], '--frame-rate: 0'],
  [['--flow-shift', '0'], '--flow-shift: 0'],
  [['--init-noise-sigma', '0'], '--init-noise-sigma: 0'],
  [['--max-sequence-length', '0'], '--max-sequence-length: 0'],
  [['--memory', '-1'], '--memory: -1 is not a number of megabytes above 0'],
  [['--ram', '0'], '--ram: 0'],
  [['--tile', '0'], '--tile: 0'],
  [['--timesteps', '500,757'], '--timesteps: 757'],
  [['--sigmas', '2'], '--sigmas: 2'],
  [['--timesteps', '9,8', '--sigmas', '1'], 'there are 1 of them and 2 timesteps'],
  [['--timesteps', '9,8', '--num-inference-steps', '3'], '3 contradicts the 2 timesteps'],
  [['--out', 'x.gif', '--codec', 'avc'], 'gif files have no video codec'],
  [['--out', 'x.mp4', '--codec', 'vp8'], 'mp4 files hold avc, vp9, av1, not vp8'],
  [['--device', 'wasm', '--dtype', 'float16'], 'the CPU cannot compute in float16'],
  [['--lora', 'owner/x:101'], 'a scale of “101” is not a number from -100 to 100'],
  [['--lora', 'x.safetensors'], '--lora: there is no “x.safetensors”'],
  [['--lora', 'loras/x.safetensors'], '--lora: there is no “loras/x.safetensors”'],
  [['--vae', './none'], '--vae: there is no “./none”'],
  [['--text-encoder', '~/none'], '--text-encoder: there is no “~/none”'],
  [['--fast-decoder', 'taew2_1.pth'], '--fast-decoder: there is no “taew2_1.pth”'],
  [['--transformer', 'https://'], '--transformer: https:// is not a complete address'],
  [['--model', '~/none'], '--model: there is no folder ~/none.'],
  [['--model', 'package.json'], '--model: package.json is a file'],
  [['--model', 'pocket', '--revision', 'v1'], 'pocket is not a repository of the hub'],
  [['--model', 'o/n@v1', '--revision', 'v2'], 'it is v2, but the model is o/n@v1'],
  [['--model', 'x'.repeat(5000)], 'no folder'],
  [['--browser', './none'], '--browser: ./none does not exist'],
  [['--browser', 'package.json'], '--browser: package.json is not executable'],
  [['--browser', '.'], '--browser: . is not a file'],
  [['--keep-going'], '--keep-going goes with --prompts'],
])('generate refuses %j', (args, message) => {
  expect(messageOf(() => generate(...args))).toContain(message);
});

it.skipIf(process.platform === 'win32')('a path of Windows is not taken for a name', () => {
  const path = String.raw`C:\models\wan`;
  expect(messageOf(() => generate('--model', path))).toContain('is a Windows path');
});

it('of an option that is given twice the last one counts, and a note says so', () => {
  expect(generate('--width', '32', '--width', '48', '--headed', '--headed')).toMatchObject({
    generate: { width: 48 },
    notes: ['Note: --width is given twice. The last one counts: 48'],
  });
  expect(parsePlan(['--tile', '8', '--tile', '9'], ['pocket'])).toMatchObject({
    notes: [expect.stringContaining('--tile')],
  });
  expect(generate('--lora', 'a/b', '--lora', 'c/d')).toMatchObject({ notes: [] });
});

it('an unknown option’s value is not repeated', () => {
  expect(messageOf(() => generate('--hf-token=hf_secret'))).not.toContain('hf_secret');
});

it('takes seeds to the digit, negative ones too', () => {
  expect(generate('--seed', '18446744073709551615')).toMatchObject({
    generate: { seed: 18446744073709551615n },
  });
  expect(generate('--seed', '-1')).toMatchObject({ generate: { seed: -1 } });
  expect(generate('--seed', '-9223372036854775808')).toMatchObject({
    generate: { seed: -9223372036854775808n },
  });
});

it('takes home folders, addresses of files, and folders that end with a slash', () => {
  const { href } = pathToFileURL(join(folder, 'x.safetensors'));
  expect(generate('--out', '~/x.gif', '--vae', href)).toMatchObject({
    output: { path: join(homedir(), 'x.gif'), typed: '~/x.gif' },
    parts: { vae: { folder, file: 'x.safetensors', typed: href } },
  });
  const model = `${folder}/model/`;
  expect(generate('--model', model, '--out', 'frames.v2/')).toMatchObject({
    model: { name: 'model', folder: join(folder, 'model'), typed: model },
    output: { container: 'png', typed: 'frames.v2/' },
  });
});

it('takes a prompt that is empty, and misses one that is not there', () => {
  expect(generate()).toMatchObject({ generate: { prompt: 'a' } });
  expect(parseCommandLine([''], ['pocket'])).toMatchObject({ generate: { prompt: '' } });
  expect(messageOf(() => parseCommandLine([], ['pocket']))).toContain('The prompt is missing.');
});

it('refuses an address of the hub that is none', () => {
  vi.stubEnv('HF_ENDPOINT', 'hub.example');
  expect(messageOf(() => generate('--model', 'o/n'))).toContain('HF_ENDPOINT');
  vi.unstubAllEnvs();
});

it.each([
  [['--widht', '5'], 'Did you mean --width?'],
  [['--width', '0'], '--width: 0'],
  [['--memory', '-1'], '--memory: -1'],
  [['--device', 'wasm', '--dtype', 'float16'], 'the CPU cannot compute in float16'],
  [['--model', './none'], 'there is no folder ./none'],
  [['--lora', 'x.safetensors'], '--lora: there is no'],
])('plan refuses %j', (args, message) => {
  expect(messageOf(() => parsePlan(args, ['pocket']))).toContain(message);
});

it('verify names folders as they were typed', () => {
  const model = ['--model', 'o/n'];
  const typed = join(folder, '..', basename(folder), 'model');
  expect(parseVerify([...model, '--folder', typed], [])).toMatchObject({ folder: { typed } });
  const file = ['--folder', 'package.json'];
  expect(messageOf(() => parseVerify([...model, ...file], []))).toContain('package.json is a file');
  expect(messageOf(() => parseVerify(['o/n'], []))).toContain('What is “o/n”?');
});
