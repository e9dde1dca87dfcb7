import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readReference, relativeError, repositoryFolder } from '../testing/fixtures.ts';
import { testGpu } from '../testing/backend.ts';
import { readJson } from '../weights/source.ts';
import type { GenerateOptions, SchedulerName } from './api.ts';
import { EnginePipeline } from './engine.ts';

const FOLDER = 'models/parity/fixtures/end-to-end';
const CASES = ['guided-32x32', 'guided-64x64', 'unguided-euler-64x32'];

/** diffusers' peak signal-to-noise ratio of one 8-bit frame, in dB. */
function psnr(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  let squares = 0;
  for (let i = 0; i < expected.length; i++) {
    squares += ((actual[i] ?? 0) - (expected[i] ?? 0)) ** 2;
  }
  return 10 * Math.log10(255 ** 2 / (squares / expected.length));
}

interface Settings {
  readonly prompt: string;
  readonly negative_prompt?: string;
  readonly height: number;
  readonly width: number;
  readonly num_frames: number;
  readonly num_inference_steps: number;
  readonly guidance_scale: number;
  readonly seed: number;
  readonly max_sequence_length: number;
  readonly scheduler: { readonly _class_name: SchedulerName };
}

function toOptions(settings: Settings): GenerateOptions {
  return {
    prompt: settings.prompt,
    negativePrompt: settings.negative_prompt ?? '',
    height: settings.height,
    width: settings.width,
    numFrames: settings.num_frames,
    numInferenceSteps: settings.num_inference_steps,
    guidanceScale: settings.guidance_scale,
    seed: settings.seed,
    maxSequenceLength: settings.max_sequence_length,
    scheduler: settings.scheduler._class_name,
  };
}

describe('the bundled checkpoint against WanPipeline', () => {
  let pipeline: EnginePipeline;

  beforeAll(async () => {
    pipeline = await EnginePipeline.fromSource(await repositoryFolder('models/pocket'), {
      ...(await testGpu()),
      dtype: 'float32',
    });
  });

  afterAll(() => pipeline.dispose());

  test.each(CASES)('%s: noise, latents after every step, and frames', async (name) => {
    const source = await repositoryFolder(FOLDER);
    const reference = await readReference(source, `${name}.safetensors`);
    const options = toOptions((await readJson(source, `${name}.json`)) as Settings);
    const errors: number[] = [];
    const result = await pipeline.generate(options, (step, latents) => {
      const expected = reference.get(step < 0 ? 'noise' : `latents.${step}`);
      errors.push(relativeError(latents, expected.data));
    });
    const [noise = 1, ...steps] = errors;
    expect(noise).toBeLessThan(1e-6);
    expect(steps).toHaveLength(options.numInferenceSteps ?? 0);
    for (const error of steps) expect(error).toBeLessThan(1e-3);

    const { data: expected, shape } = reference.get('frames');
    const [count = 0, height = 0, width = 0] = shape;
    const size = height * width * 3;
    let worst = Number.POSITIVE_INFINITY;
    const groups = await result.frames();
    expect(groups.reduce((sum, group) => sum + group.count, 0)).toBe(count);
    for (const group of groups) {
      const rgb = group.rgba.filter((_, i) => i % 4 !== 3);
      for (let i = 0; i < group.count; i++) {
        const frame = (group.firstFrame + i) * size;
        const actual = rgb.subarray(i * size, (i + 1) * size);
        worst = Math.min(worst, psnr(actual, expected.subarray(frame, frame + size)));
      }
    }
    console.info(
      `${name}: latents within ${Math.max(...steps).toExponential(1)}, frames ${worst.toFixed(1)} dB`,
    );
    expect(worst).toBeGreaterThan(40);
    await result.dispose();
  });
});
