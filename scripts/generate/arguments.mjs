/** @file The command line of `npm run generate`. */
import { statSync } from 'node:fs';
import { extname, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { memoryOptions, number, oneOf, parsing, UsageError } from '../command-line.mjs';
import { findModel, hubOptions, PART_FLAGS, PARTS_USAGE, partsOf } from '../model-arguments.mjs';
import { readPrompts } from './prompts.mjs';

export const USAGE = `Usage: npm run generate -- PROMPT [options]
       npm run generate -- --prompts FILE --out FOLDER [options]

  --out PATH                  clip.mp4, .webm, .gif, or a folder for numbered PNGs   (clip.mp4)
  --report PATH               write parameters, timings and memory as JSON
  --prompts FILE              many clips by one loaded model, numbered in the folder --out, each
                              with its report; goes on where it was stopped. A text file with a
                              prompt a line, or JSON: [{ "prompt": "…", "seed": 7 }, …], where
                              a prompt may have options of its own
  --container NAME            of those clips: png, mp4, webm or gif                       (png)
  --model NAME                a bundled model, a folder in WanPipeline layout, owner/name of the
                              Hugging Face hub, or a folder’s https:// address          (pocket)
  --revision NAME             branch, tag or commit on the hub; a gated model needs an access token
                              in the environment variable HF_TOKEN              (its default)${PARTS_USAGE}
  --negative-prompt TEXT      what to avoid
  --seed N                    the same seed gives the same clip                      (random)
  --width N  --height N       pixels                                   (the model's default)
  --num-frames N              frames of the clip                       (the model's default)
  --num-inference-steps N     denoising steps                          (the model's default)
  --guidance-scale X          1 switches guidance off                  (the model's default)
  --max-sequence-length N     tokens of the prompt                     (the model's default)
  --frame-rate X              frames a second                          (the model's default)
  --scheduler NAME            UniPCMultistepScheduler, FlowMatchEulerDiscreteScheduler or
                              FlowMatchLCMScheduler                        (the model's own)
  --flow-shift X              shifts the noise schedule towards noise      (the model's own)
  --timesteps N,N,…           ask the model at these times, for example 1000,757,522
  --sigmas X,X,…              the same as shares of noise, before the shift: 1,0.75,0.5,0.25
  --init-noise-sigma X        what the initial noise is multiplied with                   (1)
  --scale N                   repeat each pixel N times in the file                       (1)
  --codec NAME                avc, vp8, vp9 or av1          (the first that the browser can do)
  --device NAME               auto, webgpu or wasm                                     (auto)
  --dtype NAME                auto, float32 or float16                                 (auto)
  --memory MB                 megabytes on the device; weights beyond it are streamed (no limit)
  --weights NAME              how weights are kept: f32, f16, q8 or q4              (automatic)
  --ram MB                    keep weights in the browser’s storage instead of RAM, but for this
                              much of those that are read again and again          (all in RAM)
  --guidance NAME             batched, or sequential: slower, and takes less        (automatic)
  --tile N                    pixels a side of a decoder tile                    (whole frames)
  --decode NAME               full, or fast: by the fast decoder                       (full)
  --browser PATH              the Chromium to use                    (the first one that is found)
  --headed                    show the browser's window
  --help                      this text
`;

const CONTAINERS = /** @type {const} */ ({ '.mp4': 'mp4', '.webm': 'webm', '.gif': 'gif' });

/** @type {import('../../src/pipeline/api.ts').SchedulerName[]} */
const SCHEDULERS = [
  'UniPCMultistepScheduler',
  'FlowMatchEulerDiscreteScheduler',
  'FlowMatchLCMScheduler',
];

/** Numbers that are handed to `generate`, by flag. */
const GENERATE_NUMBERS = /** @type {const} */ ({
  seed: 'seed',
  width: 'width',
  height: 'height',
  'num-frames': 'numFrames',
  'num-inference-steps': 'numInferenceSteps',
  'guidance-scale': 'guidanceScale',
  'max-sequence-length': 'maxSequenceLength',
  'frame-rate': 'frameRate',
  'flow-shift': 'flowShift',
  'init-noise-sigma': 'initNoiseSigma',
});

const GENERATE_FLAGS = /** @type {(keyof typeof GENERATE_NUMBERS)[]} */ (
  Object.keys(GENERATE_NUMBERS)
);

/**
 * @typedef {object} Request
 * @property {import('../../src/pipeline/api.ts').GenerateOptions} generate Of a batch: of its first clip.
 * @property {import('../../src/pipeline/api.ts').GenerateOptions[] | undefined} batch
 * @property {'auto' | 'webgpu' | 'wasm'} device
 * @property {'auto' | 'float32' | 'float16'} dtype
 * @property {'auto' | import('../../src/pipeline/api.ts').MemoryOptions} memory
 * @property {import('../model-arguments.mjs').Model} model
 * @property {{ revision?: string, token?: string, hubUrl?: string }} hub
 * @property {import('../model-arguments.mjs').Parts} parts
 * @property {{ path: string, container: 'mp4' | 'webm' | 'gif' | 'png', scale: number, codec?: import('../../src/pipeline/api.ts').VideoCodecName }} output
 * @property {string | undefined} report
 * @property {string | undefined} browser
 * @property {boolean} headed
 */

/**
 * @param {string[]} args
 * @param {string[]} bundled Names of the bundled models.
 * @returns {Request | 'help'}
 */
export function parseCommandLine(args, bundled) {
  const { values, positionals } = parse(args);
  if (values.help) return 'help';
  const batch = values.prompts;
  /** @type {Request['generate']} */
  const generate = batch === undefined ? { prompt: onlyPrompt(positionals) } : {};
  if (values['negative-prompt'] !== undefined) generate.negativePrompt = values['negative-prompt'];
  for (const flag of GENERATE_FLAGS) {
    const text = values[flag];
    if (text !== undefined) generate[GENERATE_NUMBERS[flag]] = number(flag, text);
  }
  for (const flag of /** @type {const} */ (['timesteps', 'sigmas'])) {
    const text = values[flag];
    if (text !== undefined) generate[flag] = text.split(',').map((part) => number(flag, part));
  }
  if (values.scheduler !== undefined) {
    generate.scheduler = oneOf('scheduler', values.scheduler, SCHEDULERS);
  }
  if (values.decode !== undefined) {
    generate.decode = oneOf('decode', values.decode, ['full', 'fast']);
    if (generate.decode === 'fast' && values['fast-decoder'] === undefined) {
      throw new UsageError(
        '--decode fast needs --fast-decoder.',
        'For Wan 2.1: --fast-decoder taew2_1.safetensors, a file from github.com/madebyollin/taehv.',
      );
    }
  }
  const clips = batch === undefined ? undefined : clipsOfBatch(batch, positionals, generate);
  return {
    generate: clips?.[0] ?? generate,
    batch: clips,
    device: oneOf('device', values.device, ['auto', 'webgpu', 'wasm']),
    dtype: oneOf('dtype', values.dtype, ['auto', 'float32', 'float16']),
    memory: memoryOptions(values),
    model: findModel(values.model, bundled),
    hub: hubOptions(values.revision),
    parts: partsOf(values),
    output: {
      ...(clips
        ? batchOutput(values.out, values.container)
        : singleOutput(values.out, values.container)),
      scale: scaleOf(values.scale),
      ...(values.codec === undefined
        ? {}
        : { codec: oneOf('codec', values.codec, ['avc', 'vp8', 'vp9', 'av1']) }),
    },
    report: values.report,
    browser: values.browser,
    headed: values.headed,
  };
}

/** @param {string[]} args */
function parse(args) {
  const string = /** @type {const} */ ({ type: 'string' });
  return parsing('generate', () =>
    parseArgs({
      args,
      allowPositionals: true,
      options: {
        out: string,
        report: string,
        prompts: string,
        container: string,
        model: { type: 'string', default: 'pocket' },
        revision: string,
        ...PART_FLAGS,
        'negative-prompt': string,
        seed: string,
        width: string,
        height: string,
        'num-frames': string,
        'num-inference-steps': string,
        'guidance-scale': string,
        'max-sequence-length': string,
        'frame-rate': string,
        'flow-shift': string,
        timesteps: string,
        sigmas: string,
        'init-noise-sigma': string,
        scheduler: string,
        scale: { type: 'string', default: '1' },
        codec: string,
        device: { type: 'string', default: 'auto' },
        dtype: { type: 'string', default: 'auto' },
        browser: string,
        memory: string,
        weights: string,
        ram: string,
        guidance: string,
        tile: string,
        decode: string,
        headed: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    }),
  );
}

/** @param {string} text */
function scaleOf(text) {
  const scale = number('scale', text);
  if (Number.isInteger(scale) && scale >= 1 && scale <= 64) return scale;
  throw new UsageError(`--scale: ${text} is not a whole number from 1 to 64.`, 'Try --scale 4');
}

/**
 * @param {string[]} positionals
 * @returns {string}
 */
function onlyPrompt([prompt, ...surplus]) {
  if (prompt === undefined) {
    throw new UsageError('The prompt is missing.', 'npm run generate -- "a red ball moves right"');
  }
  if (surplus.length > 0) {
    throw new UsageError(`What is “${surplus[0]}”?`, 'Put the whole prompt in quotes.');
  }
  return prompt;
}

/**
 * @param {string} path
 * @param {string[]} positionals
 * @param {Request['generate']} common
 */
function clipsOfBatch(path, [surplus], common) {
  if (surplus !== undefined) {
    throw new UsageError(`What is “${surplus}”?`, 'With --prompts all prompts are in its file.');
  }
  return readPrompts(resolve(path), common, Object.values(GENERATE_NUMBERS));
}

/**
 * @param {string | undefined} out
 * @param {string} [container]
 */
function batchOutput(out, container = 'png') {
  if (out === undefined || extname(out) !== '') {
    throw new UsageError(
      '--prompts needs a folder for its clips.',
      'For example --out clips; --container mp4 makes videos of them.',
    );
  }
  return {
    path: resolve(out),
    container: oneOf('container', container, ['png', 'mp4', 'webm', 'gif']),
  };
}

/**
 * @param {string | undefined} out
 * @param {string | undefined} given The container.
 */
function singleOutput(out = 'clip.mp4', given) {
  if (given !== undefined) {
    throw new UsageError('--container goes with --prompts.', 'The name of --out says it: clip.gif');
  }
  const path = resolve(out);
  const extension = extname(path).toLowerCase();
  const isFolder = statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
  if (isFolder || extension === '') return { path, container: /** @type {const} */ ('png') };
  const container = Object.entries(CONTAINERS).find(([known]) => known === extension)?.[1];
  if (container) return { path, container };
  throw new UsageError(
    `--out: ${extension} files cannot be written.`,
    'Use .mp4, .webm or .gif, or a folder’s name for numbered PNGs.',
  );
}
