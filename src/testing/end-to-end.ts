/** @file Runs a recorded case of `WanPipeline` and compares what comes out, step by step and frame by frame. */
import type { GenerateOptions, SchedulerName } from '../pipeline/api.ts';
import type { EnginePipeline } from '../pipeline/engine.ts';
import { readJson } from '../weights/source.ts';
import { readReference, relativeError, repositoryFolder } from './fixtures.ts';

const FOLDER = 'models/parity/fixtures/end-to-end';

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
  readonly sigmas?: readonly number[];
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
    ...(settings.sigmas ? { sigmas: settings.sigmas } : {}),
  };
}

/** Peak signal-to-noise ratio of one 8-bit frame, in dB. */
function psnr(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  let squares = 0;
  for (let i = 0; i < expected.length; i++) {
    squares += ((actual[i] ?? 0) - (expected[i] ?? 0)) ** 2;
  }
  return 10 * Math.log10(255 ** 2 / (squares / expected.length));
}

export interface Comparison {
  readonly steps: number;
  /** max |Δ| over max |reference|. */
  readonly noiseError: number;
  /** The same for the latents after each step. */
  readonly latentErrors: readonly number[];
  /** dB, one a frame. */
  readonly framePsnr: readonly number[];
}

export async function compareWithReference(
  pipeline: EnginePipeline,
  name: string,
): Promise<Comparison> {
  const source = await repositoryFolder(FOLDER);
  const reference = await readReference(source, `${name}.safetensors`);
  const settings = (await readJson(source, `${name}.json`)) as Settings;
  const errors: number[] = [];
  const result = await pipeline.generate(toOptions(settings), (step, latents) => {
    const expected = reference.get(step < 0 ? 'noise' : `latents.${step}`);
    errors.push(relativeError(latents, expected.data));
  });
  const [noiseError = Number.POSITIVE_INFINITY, ...latentErrors] = errors;
  const { data: expected, shape } = reference.get('frames');
  const [, height = 0, width = 0] = shape;
  const size = height * width * 3;
  const framePsnr: number[] = [];
  for (const group of await result.frames()) {
    const rgb = group.rgba.filter((_, i) => i % 4 !== 3);
    for (let i = 0; i < group.count; i++) {
      const from = (group.firstFrame + i) * size;
      framePsnr.push(
        psnr(rgb.subarray(i * size, (i + 1) * size), expected.subarray(from, from + size)),
      );
    }
  }
  await result.dispose();
  return { steps: settings.num_inference_steps, noiseError, latentErrors, framePsnr };
}
