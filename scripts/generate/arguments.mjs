/** @file The command line of `npm run generate`. */
import { accessSync, constants } from 'node:fs';
import { extname } from 'node:path';
import {
  memoryOptions,
  number,
  oneOf,
  parseFlags,
  refuseEmpty,
  shownTyped,
  UsageError,
} from '../command-line.mjs';
import { findModel, hubOptions, PART_FLAGS, PARTS_USAGE, partsOf } from '../model-arguments.mjs';
import { pathOf, statOf } from '../places.mjs';
import { clipOptions } from './clip-flags.mjs';
import { readPrompts } from './prompts.mjs';

export const USAGE = `Usage: npm run generate -- PROMPT [options]
       npm run generate -- --prompts FILE --out FOLDER [options]

  --out PATH                  clip.mp4, .webm, .gif, or a folder for numbered PNGs   (clip.mp4)
  --report PATH               write parameters, timings and memory as JSON
  --force                     replace what is at --out and --report already; other files stay
  --prompts FILE              many clips by one loaded model, numbered in the folder --out, each
                              with its report; the same command continues where it was stopped.
                              A text file with a prompt a line, or JSON: [{ "prompt": "…",
                              "seed": 7 }, …], where a prompt may have options of its own; a
                              .jsonl file has such an object a line
  --keep-going                after a clip that fails, make the others
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

/** Which codecs a container can hold: as `src/media/codecs.ts` has them, which a command cannot load before a build. */
export const CODECS = /** @type {const} */ ({
  mp4: ['avc', 'vp9', 'av1'],
  webm: ['vp9', 'vp8', 'av1'],
  gif: [],
  png: [],
});

/**
 * @typedef {object} Output
 * @property {string} path Absolute.
 * @property {string} typed The same as the user wrote it, for messages and reports.
 * @property {'mp4' | 'webm' | 'gif' | 'png'} container
 * @property {number} scale
 * @property {import('../../src/pipeline/api.ts').VideoCodecName} [codec]
 *
 * @typedef {{ path: string, typed: string }} TypedPath
 *
 * @typedef {object} Request
 * @property {import('../../src/pipeline/api.ts').GenerateOptions} generate Of a batch: of its first clip.
 * @property {import('../../src/pipeline/api.ts').GenerateOptions[] | undefined} batch
 * @property {'auto' | 'webgpu' | 'wasm'} device
 * @property {'auto' | 'float32' | 'float16'} dtype
 * @property {'auto' | import('../../src/pipeline/api.ts').MemoryOptions} memory
 * @property {import('../model-arguments.mjs').Model} model
 * @property {{ revision?: string, token?: string, hubUrl?: string }} hub
 * @property {import('../model-arguments.mjs').Parts} parts
 * @property {Output} output
 * @property {TypedPath | undefined} report
 * @property {TypedPath | undefined} prompts The file of a batch.
 * @property {boolean} force Whether what is there already may be replaced.
 * @property {boolean} keepGoing Whether a batch continues after a clip that fails.
 * @property {string | undefined} browser
 * @property {boolean} headed
 * @property {string[]} notes About the command line.
 */

/**
 * @param {string[]} args
 * @param {string[]} bundled Names of the bundled models.
 * @returns {Request | 'help'}
 */
export function parseCommandLine(args, bundled) {
  const { values, positionals, notes } = parse(args);
  if (values.help) return 'help';
  refuseEmpty(values, PLACES);
  const isBatch = values.prompts !== undefined;
  /** @type {Request['generate']} */
  const generate = {
    ...(isBatch ? {} : { prompt: onlyPrompt(positionals) }),
    ...clipOptions(values),
  };
  if (values['keep-going'] && !isBatch) {
    throw new UsageError(
      '--keep-going goes with --prompts.',
      'A single clip has nothing after it.',
    );
  }
  const output = isBatch
    ? batchOutput(values.out, values.container)
    : singleOutput(values.out, values.container);
  const scale = scaleOf(values.scale);
  const codec = codecOf(values.codec, output.container);
  const model = findModel(values.model, bundled);
  const device = oneOf('device', values.device, ['auto', 'webgpu', 'wasm']);
  const dtype = oneOf('dtype', values.dtype, ['auto', 'float32', 'float16']);
  if (device === 'wasm' && dtype === 'float16') {
    throw new UsageError(
      '--dtype: the CPU cannot compute in float16.',
      'Leave --dtype out with --device wasm.',
    );
  }
  const prompts = typedPath('prompts', values.prompts);
  /** @type {Omit<Request, 'batch'>} */
  const request = {
    generate,
    device,
    dtype,
    memory: memoryOptions(values),
    model,
    hub: hubOptions(values.revision, model),
    parts: partsOf(values),
    output: { ...output, scale, ...(codec === undefined ? {} : { codec }) },
    report: typedPath('report', values.report),
    prompts,
    force: values.force,
    keepGoing: values['keep-going'],
    browser: browserOf(values.browser),
    headed: values.headed,
    notes,
  };
  // Last, since its messages are the longest.
  const batch = prompts && clipsOfBatch(prompts, positionals, generate);
  return { ...request, generate: batch?.[0] ?? generate, batch };
}

/** Flags whose values are places. */
const PLACES = /** @type {const} */ ([
  'out',
  'report',
  'prompts',
  'model',
  'revision',
  'browser',
  ...Object.keys(PART_FLAGS),
]);

/**
 * @param {string} flag
 * @param {string | undefined} typed
 * @returns {TypedPath | undefined}
 */
function typedPath(flag, typed) {
  if (typed === undefined) return undefined;
  if (typed === '-') {
    throw new UsageError(`--${flag}: “-” is not the name of a file.`, 'Give a file’s name.');
  }
  return { path: pathOf(flag, typed), typed };
}

/** @param {string | undefined} typed */
function browserOf(typed) {
  if (typed === undefined) return undefined;
  const path = pathOf('browser', typed);
  const found = statOf(path);
  if (!found?.isFile()) {
    throw new UsageError(
      `--browser: ${typed} ${found ? 'is not a file' : 'does not exist'}.`,
      'Give the path of a Chromium’s or Chrome’s executable, or leave it out.',
    );
  }
  try {
    accessSync(path, constants.X_OK);
  } catch {
    throw new UsageError(
      `--browser: ${typed} is not executable.`,
      'Give the path of a Chromium’s or Chrome’s executable, or leave it out.',
    );
  }
  return path;
}

/**
 * @param {string | undefined} text
 * @param {Output['container']} container
 */
function codecOf(text, container) {
  if (text === undefined) return undefined;
  const codec = oneOf('codec', text, ['avc', 'vp8', 'vp9', 'av1']);
  /** @type {readonly string[]} */
  const possible = CODECS[container];
  if (possible.includes(codec)) return codec;
  throw new UsageError(
    possible.length === 0
      ? `--codec: ${container} files have no video codec.`
      : `--codec: ${container} files hold ${possible.join(', ')}, not ${codec}.`,
    'Leave it out, or choose a container that has it.',
  );
}

/** @param {string[]} args */
function parse(args) {
  const string = /** @type {const} */ ({ type: 'string' });
  return parseFlags('generate', args, {
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
    force: { type: 'boolean', default: false },
    'keep-going': { type: 'boolean', default: false },
    headed: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  });
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
    throw new UsageError(
      `What is “${shownTyped(surplus[0] ?? '')}”?`,
      'Put the whole prompt in quotes.',
    );
  }
  return prompt;
}

/**
 * @param {TypedPath} file
 * @param {string[]} positionals
 * @param {Request['generate']} common
 */
function clipsOfBatch(file, [surplus], common) {
  if (surplus !== undefined) {
    throw new UsageError(
      `What is “${shownTyped(surplus)}”?`,
      'With --prompts all prompts are in its file.',
    );
  }
  return readPrompts(file, common);
}

/**
 * @param {string | undefined} out
 * @param {string} [container]
 */
function batchOutput(out, container = 'png') {
  const place = typedPath('out', out);
  if (place === undefined || (extname(place.path) !== '' && !isFolder(place))) {
    throw new UsageError(
      '--prompts needs a folder for its clips.',
      'For example --out clips; --container mp4 makes videos of them.',
    );
  }
  return { ...place, container: oneOf('container', container, ['png', 'mp4', 'webm', 'gif']) };
}

/**
 * @param {string | undefined} out
 * @param {string | undefined} given The container.
 */
function singleOutput(out = 'clip.mp4', given) {
  if (given !== undefined) {
    throw new UsageError('--container goes with --prompts.', 'The name of --out says it: clip.gif');
  }
  const place = typedPath('out', out) ?? { path: '', typed: '' };
  const extension = extname(place.path).toLowerCase();
  if (extension === '' || isFolder(place))
    return { ...place, container: /** @type {const} */ ('png') };
  const container = Object.entries(CONTAINERS).find(([known]) => known === extension)?.[1];
  if (container) return { ...place, container };
  throw new UsageError(
    `--out: ${extension} files cannot be written.`,
    'Use .mp4, .webm or .gif, or a folder’s name for numbered PNGs.',
  );
}

/** Whether a folder is there, or is meant by a slash at the end. @param {TypedPath} place */
function isFolder({ path, typed }) {
  return /[/\\]$/.test(typed) || (statOf(path)?.isDirectory() ?? false);
}
