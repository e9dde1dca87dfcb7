/** @file `npm run generate`, as somebody would run it. */
import { spawn } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROOT } from '../scripts/packages.mjs';
import { expect, test } from './app.ts';

const SMALL = [
  '--width',
  '32',
  '--height',
  '32',
  '--num-frames',
  '5',
  '--num-inference-steps',
  '2',
  '--guidance-scale',
  '1',
];

let folder = '';

test.beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'zoetrope-headless-'));
});

test.afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

interface Ended {
  readonly code: number | null;
  readonly output: string;
}

/** Runs the command; `interruptAt` is the text at which it gets a Ctrl-C. */
async function command(args: readonly string[], interruptAt?: string): Promise<Ended> {
  const child = spawn(process.execPath, [join(ROOT, 'scripts/generate.mjs'), ...args], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  let isInterrupted = false;
  const listen = (chunk: Buffer): void => {
    output += chunk.toString();
    if (interruptAt === undefined || isInterrupted || !output.includes(interruptAt)) return;
    isInterrupted = true;
    child.kill('SIGINT');
  };
  child.stdout.on('data', listen);
  child.stderr.on('data', listen);
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  return { code, output };
}

test('writes a clip and a report', async () => {
  const args = ['a red ball moves right', '--seed', '7', '--scale', '4', ...SMALL];
  const { code, output } = await command([...args, '--out', 'clip.mp4', '--report', 'report.json']);
  expect(output).toContain('Denoising');
  expect(code, output).toBe(0);
  const report: unknown = JSON.parse(readFileSync(join(folder, 'report.json'), 'utf8'));
  const bytes = readFileSync(join(folder, 'clip.mp4'));
  expect(bytes.toString('latin1', 4, 8)).toBe('ftyp');
  expect(report).toMatchObject({
    request: { prompt: 'a red ball moves right', seed: 7, width: 32 },
    parameters: { seed: 7, width: 32, height: 32, numFrames: 5, numInferenceSteps: 2 },
    seconds: {
      load: expect.any(Number),
      encodePrompt: expect.any(Number),
      denoise: expect.any(Number),
      decode: expect.any(Number),
      encode: expect.any(Number),
      total: expect.any(Number),
    },
    memory: {
      peakBytes: expect.any(Number),
      liveBytes: expect.any(Number),
      byKind: expect.any(Object),
      ramBytes: expect.any(Number),
      streamedBytes: expect.any(Number),
    },
    output: { bytes: bytes.byteLength, frames: 5, container: 'mp4', width: 128, height: 128 },
  });
  expect(readdirSync(folder).toSorted()).toEqual(['clip.mp4', 'report.json']);
});

test('refuses a codec that the file cannot hold before the clip is made', async () => {
  const args = ['a red ball', '--codec', 'vp8', '--out', 'refused.mp4', ...SMALL];
  const { code, output } = await command(args);
  expect(code, output).not.toBe(0);
  expect(output).toContain('codec: mp4 files hold avc, vp9, av1, not vp8.');
  expect(output).not.toContain('Denoising');
  expect(existsSync(join(folder, 'refused.mp4'))).toBe(false);
});

test('writes numbered pictures from a checkpoint in any folder', async () => {
  const model = join(ROOT, 'models/pocket');
  const args = ['a red ball', '--out', 'frames', '--model', model, '--device', 'wasm', ...SMALL];
  const { code, output } = await command(args);
  expect(code, output).toBe(0);
  expect(readdirSync(join(folder, 'frames'))).toEqual(
    [0, 1, 2, 3, 4].map((index) => `frame-000${index}.png`),
  );
});

test('makes a batch by one model, and goes on where it was stopped', async () => {
  const prompts = join(folder, 'prompts.json');
  const list = [
    { prompt: 'a red ball', seed: 7 },
    { prompt: 'a blue heart', seed: 8 },
  ];
  writeFileSync(prompts, JSON.stringify(list));
  const batch = ['--prompts', prompts, '--out', 'batch', '--device', 'wasm', ...SMALL];
  const stopped = await command(batch, join('batch', '000: '));
  expect(stopped.code, stopped.output).toBe(130);
  expect(stopped.output).toContain('goes on from here');
  const [first = '', second = ''] = ['000', '001'].map((name) => join(folder, 'batch', name));
  const frame = join(first, 'frame-0004.png');
  const { mtimeMs } = statSync(frame);
  expect(existsSync(second)).toBe(false);

  const { code, output } = await command([...batch, '--report', 'batch-report.json']);
  expect(code, output).toBe(0);
  expect(output).toContain('1 of 2 clips are there already');
  expect(output).not.toContain(join('batch', '000: '));
  expect(statSync(frame).mtimeMs).toBe(mtimeMs);
  expect(readdirSync(second)).toHaveLength(5);
  expect(readdirSync(join(folder, 'batch'))).toEqual(['000', '000.json', '001', '001.json']);
  const reports: unknown = JSON.parse(readFileSync(join(folder, 'batch-report.json'), 'utf8'));
  expect(reports).toMatchObject([{ parameters: { prompt: 'a blue heart', seed: 8, width: 32 } }]);

  const nothing = await command(batch);
  expect(nothing.code, nothing.output).toBe(0);
  expect(nothing.output).toContain('2 of 2 clips are there already');
  const other = await command([...batch, '--weights', 'q8']);
  expect(other.code, other.output).toBe(2);

  // The second clip of a page is what it is as the first.
  const single = ['a blue heart', '--seed', '8', '--out', 'single', '--device', 'wasm', ...SMALL];
  expect((await command(single)).code).toBe(0);
  const [alone, after] = [join(folder, 'single'), second].map((clip) =>
    readFileSync(join(clip, 'frame-0004.png')),
  );
  expect(alone).toEqual(after);
});

test('Ctrl-C ends it cleanly', async () => {
  const args = ['a red ball', '--out', 'cancelled.mp4', '--num-inference-steps', '200'];
  const { code, output } = await command(args, 'Denoising');
  expect(code, output).toBe(130);
  expect(output).toContain('Cancelled.');
  expect(existsSync(join(folder, 'cancelled.mp4'))).toBe(false);
});

test('a wrong command line ends with a hint', async () => {
  const { code, output } = await command(['a red ball', '--out', 'clip.mov']);
  expect(code).toBe(2);
  expect(output).toContain('.mp4, .webm or .gif');
});

const MEMORY = { budgetBytes: 28e6, weights: 'q8', ramBytes: 4e6, guidance: 'sequential' };

test('keeps to a budget of memory', async () => {
  const args = ['a red ball', '--device', 'wasm', '--out', 'budget.gif', ...SMALL];
  const tooLittle = await command([...args, '--memory', '1']);
  expect(tooLittle.code, tooLittle.output).toBe(1);
  expect(tooLittle.output).toContain('out-of-memory');
  const guidance = ['--guidance', 'sequential', '--guidance-scale', '4'];
  const flags = ['--memory', '28', '--weights', 'q8', '--ram', '4', ...guidance];
  const enough = await command([...args, ...flags, '--report', 'budget.json']);
  expect(enough.code, enough.output).toBe(0);
  const report: unknown = JSON.parse(readFileSync(join(folder, 'budget.json'), 'utf8'));
  expect(report).toMatchObject({ request: { memory: MEMORY } });
  const { memory } = report as { memory: { peakBytes: number } };
  expect(memory.peakBytes).toBeLessThanOrEqual(28e6);
});

test('an error of the engine is told with its code', async () => {
  const { code, output } = await command(['a red ball', '--width', '50', '--device', 'wasm']);
  expect(code, output).toBe(1);
  expect(output).toContain('invalid-argument: width');
  expect(output).toContain('nearest valid: 48');
});

test(
  'a batch outlives a clip that fails, and local files have the names that were typed',
  { tag: '@heavy' },
  async () => {
    const list =
      '[{"prompt": "a ball", "seed": 18446744073709551615}, {"prompt": "x", "width": 50}]';
    writeFileSync(join(folder, 'list.json'), `\uFEFF${list}`);
    cpSync(join(ROOT, 'models/pocket'), join(folder, 'my model'), { recursive: true });
    const model = ['--model', './my model/', '--device', 'wasm', ...SMALL];
    const batch = [...model, '--prompts', 'list.json', '--out', 'some', '--container', 'gif'];
    const refused = await command(batch);
    expect(refused.code, refused.output).toBe(1);
    expect(refused.output).toContain('cannot make 1 of these clips:\n  001: width: 50 pixels');
    expect(existsSync(join(folder, 'some'))).toBe(false);

    const kept = await command([...batch, '--keep-going', '--report', 'some.json']);
    expect(kept.code, kept.output).toBe(1);
    expect(kept.output).toMatch(
      /Made 1 of 2 clips in [\d.]+ s, in some; failed: 1\.\n {2}001: inv/,
    );
    const report = readFileSync(join(folder, 'some.json'), 'utf8');
    expect(report).toContain('"model": "./my model/"');
    expect(report).toContain('"model": "my model"');
    expect(report).toContain('"seed": 18446744073709551615');
    expect(report).toContain(`"path": "${join('some', '000.gif')}"`);
    expect(report).not.toContain('127.0.0.1');

    rmSync(join(folder, 'my model/transformer/config.json'));
    const broken = await command(['x', '--out', 'broken.gif', ...model]);
    expect(broken.code, broken.output).toBe(1);
    expect(broken.output).toContain('./my model has no file transformer/config.json');
    const lora = ['--lora', 'my model/vae/diffusion_pytorch_model.safetensors'];
    const wrong = await command(['x', '--out', 'wrong.gif', ...lora, '--device', 'wasm', ...SMALL]);
    expect(wrong.code, wrong.output).toBe(1);
    expect(wrong.output).toContain('my model/vae/diffusion_pytorch_model.safetensors');
    expect(broken.output + wrong.output).not.toContain('127.0.0.1');
  },
);

test(
  'a damaged weight, or a useless LoRA scale, ends with an error and no clip',
  { tag: '@heavy' },
  async () => {
    const model = join(folder, 'damaged');
    cpSync(join(ROOT, 'models/pocket'), model, { recursive: true });
    const path = join(model, 'vae/diffusion_pytorch_model.safetensors');
    const bytes = readFileSync(path);
    const start = 8 + Number(bytes.readBigUInt64LE(0));
    // The first tensor's first weight, as float16: NaN.
    bytes.writeUInt16LE(0x7e00, start);
    writeFileSync(path, bytes);
    const args = ['a red ball', '--device', 'wasm', '--out', 'damaged.gif', ...SMALL];
    const damaged = await command([...args, '--model', model]);
    expect(damaged.code, damaged.output).toBe(1);
    expect(damaged.output.match(/non-finite: Tensor decoder\.\S+ in vae\//g)).toHaveLength(1);
    expect(damaged.output).toContain('(1 NaN)');
    expect(existsSync(join(folder, 'damaged.gif'))).toBe(false);

    const lora = join(ROOT, 'models/parity/fixtures/wan-lora/diffusers.safetensors');
    const scaled = await command([...args, '--lora', `${lora}:1e30`]);
    expect(scaled.code, scaled.output).toBe(2);
    expect(scaled.output).toContain('--lora: a scale of “1e30”');
    const word = await command([...args, '--lora', `${lora}:Infinity`]);
    expect(word.code, word.output).toBe(2);
  },
);
