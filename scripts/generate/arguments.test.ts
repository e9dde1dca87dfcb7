import { describe, expect, it, vi } from 'vitest';
import { UsageError } from '../command-line.mjs';
import { parseCommandLine } from './arguments.mjs';

const parse = (...args: string[]): ReturnType<typeof parseCommandLine> =>
  parseCommandLine(args, ['pocket']);

describe('parseCommandLine', () => {
  it('hands only what was given to the engine', () => {
    expect(parse('a circle', '--seed', '7', '--guidance-scale', '2.5')).toMatchObject({
      generate: { prompt: 'a circle', seed: 7, guidanceScale: 2.5 },
      device: 'auto',
      memory: 'auto',
      model: { name: 'pocket' },
      output: { container: 'mp4', scale: 1 },
    });
  });

  it.each([
    ['clip.webm', 'webm'],
    ['clip.GIF', 'gif'],
    ['frames', 'png'],
  ])('writes %s as %s', (out, container) => {
    expect(parse('a circle', '--out', out)).toMatchObject({ output: { container } });
  });

  it('leaves an empty prompt to the engine, which says what is wrong with it', () => {
    expect(parse('')).toMatchObject({ generate: { prompt: '' } });
  });

  it('reads memory options, megabytes as bytes', () => {
    const flags = ['--memory', '64.5', '--weights', 'q8', '--ram', '8', '--tile', '128'];
    expect(parse('a circle', ...flags, '--guidance', 'sequential')).toMatchObject({
      memory: {
        budgetBytes: 64.5e6,
        weights: 'q8',
        ramBytes: 8e6,
        guidance: 'sequential',
        tile: 128,
      },
    });
  });

  it('takes a repository of the hub, with a revision; the token from the environment alone', () => {
    vi.stubEnv('HF_TOKEN', 'hf_x');
    vi.stubEnv('HF_ENDPOINT', '');
    expect(parse('a circle', '--model', 'someone/wan', '--revision', 'v1')).toMatchObject({
      model: { name: 'someone/wan', url: 'someone/wan' },
      hub: { revision: 'v1', token: 'hf_x' },
    });
    vi.unstubAllEnvs();
    expect(() => parse('a circle', '--token', 'hf_x')).toThrow(UsageError);
    expect(() => parse('a circle', '--model', './nowhere')).toThrow(/no folder/);
  });

  it('reads LoRAs with their scales, and where another transformer is', () => {
    const loras = [
      'owner/x',
      'owner/x:0.5',
      'https://host:8080',
      'https://host:80/y.safetensors:-1',
    ];
    const flags = loras.flatMap((lora) => ['--lora', lora]);
    expect(parse('a circle', ...flags, '--transformer', 'models/pocket')).toMatchObject({
      parts: {
        transformer: { folder: expect.stringMatching(/models.pocket$/), file: '' },
        loras: [
          { source: 'owner/x', scale: 1 },
          { source: 'owner/x', scale: 0.5 },
          { source: 'https://host:8080', scale: 1 },
          { source: 'https://host:80/y.safetensors', scale: -1 },
        ],
      },
    });
    expect(parse('a circle', '--lora', 'package.json:2')).toMatchObject({
      parts: { loras: [{ source: { file: 'package.json' }, scale: 2 }] },
    });
    expect(() => parse('a circle', '--lora', 'owner/x:1.2.3')).toThrow(UsageError);
    expect(() => parse('a circle', '--lora', './none.safetensors:2')).toThrow(UsageError);
  });

  it('reads lists of times', () => {
    const flags = ['--timesteps', '1000,757,522', '--scheduler', 'FlowMatchLCMScheduler'];
    expect(parse('a circle', ...flags, '--init-noise-sigma', '0.98')).toMatchObject({
      generate: {
        timesteps: [1000, 757, 522],
        scheduler: 'FlowMatchLCMScheduler',
        initNoiseSigma: 0.98,
      },
    });
    expect(parse('a circle', '--sigmas', '1, 0.5')).toMatchObject({
      generate: { sigmas: [1, 0.5] },
    });
  });

  it('takes a fast decoder from a file or a URL', () => {
    const folder = 'models/parity/fixtures/taehv-21';
    const flags = ['--decode', 'fast', '--fast-decoder'];
    const local = parse('a circle', ...flags, `${folder}/taew2_1.safetensors`);
    expect(local).toMatchObject({
      generate: { decode: 'fast' },
      parts: {
        fastDecoder: { file: 'taew2_1.safetensors', folder: expect.stringContaining(folder) },
      },
    });
    const url = 'https://example.org/taew2_1.safetensors';
    expect(parse('a circle', ...flags, url)).toMatchObject({ parts: { fastDecoder: url } });
  });

  it('reads negative numbers', () => {
    expect(parse('a circle', '--seed=-1')).toMatchObject({ generate: { seed: -1 } });
  });

  it.each([
    [[], 'prompt is missing'],
    [['a', 'circle'], 'circle'],
    [['a', '--decode', 'fast'], '--fast-decoder'],
    [['a', '--decode', 'slow'], 'slow'],
    [['a', '--seed', 'seven'], 'not a number'],
    [['a', '--seed', ''], 'not a number'],
    [['a', '--device', 'gpu'], 'not known'],
    [['a', '--weights', 'q5'], 'not known'],
    [['a', '--guidance', 'both'], 'not known'],
    [['a', '--ram', 'all'], 'not a number'],
    [['a', '--tile', 'small'], 'not a number'],
    [['a', '--timesteps', '1000,'], 'not a number'],
    [['a', '--scheduler', 'DDIMScheduler'], 'not known'],
    [['a', '--out', 'clip.mov'], '.mov'],
    [['a', '--scale', '1.5'], 'whole number'],
    [['a', '--model', 'no-such-model'], 'no-such-model'],
    [['a', '--colour', 'red'], '--colour'],
  ])('refuses %j', (args, message) => {
    expect(() => parse(...args)).toThrow(UsageError);
    expect(() => parse(...args)).toThrow(message);
  });
});
