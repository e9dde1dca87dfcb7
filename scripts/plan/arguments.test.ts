import { expect, it } from 'vitest';
import { UsageError } from '../command-line.mjs';
import { parseCommandLine } from './arguments.mjs';

const parse = (...args: string[]): ReturnType<typeof parseCommandLine> =>
  parseCommandLine(args, ['pocket']);

it('plans the bundled model in float16 without a limit, if nothing is said', () => {
  expect(parse()).toMatchObject({
    model: { name: 'pocket' },
    parts: { loras: [] },
    clip: {},
    device: 'webgpu',
    dtype: 'float16',
    memory: {},
  });
  expect(parse('--device', 'wasm')).toMatchObject({ device: 'wasm', dtype: 'float32' });
  expect(parse('--help')).toBe('help');
});

it('takes parts in the forms that generate takes', () => {
  const flags = ['--lora', 'owner/x:0.5', '--lora', 'https://host:8080', '--vae', 'package.json'];
  expect(parse(...flags, '--transformer', 'owner/fast', '--text-encoder', 'models')).toMatchObject({
    parts: {
      transformer: 'owner/fast',
      textEncoderFrom: { folder: expect.stringMatching(/models$/), file: '' },
      vae: { file: 'package.json' },
      loras: [
        { source: 'owner/x', scale: 0.5 },
        { source: 'https://host:8080', scale: 1 },
      ],
    },
  });
});

it('reads the size of the clip and the memory that is allowed', () => {
  const flags = ['--width', '64', '--num-frames', '5', '--max-sequence-length', '16'];
  expect(parse(...flags, '--memory', '64', '--weights', 'q8')).toMatchObject({
    clip: { width: 64, numFrames: 5, maxSequenceLength: 16 },
    memory: { budgetBytes: 64e6, weights: 'q8' },
  });
});

it.each([
  [['a prompt'], 'a prompt'],
  [['--width', 'wide'], 'not a number'],
  [['--weights', 'q5'], 'not known'],
  [['--dtype', 'auto'], 'not known'],
  [['--device', 'auto'], 'not known'],
  [['--decode', 'fast'], '--fast-decoder'],
  [['--lora', './none.safetensors'], 'none.safetensors'],
  [['--model', 'no-such-model'], 'no-such-model'],
  [['--colour', 'red'], '--colour'],
])('refuses %j', (args, message) => {
  expect(() => parse(...args)).toThrow(UsageError);
  expect(() => parse(...args)).toThrow(message);
});
