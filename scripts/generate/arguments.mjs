/** @file The command line of `npm run generate`. */
import { existsSync, statSync } from 'node:fs';
import { basename, dirname, extname, resolve } from 'node:path';
import { parseArgs } from 'node:util';

export const USAGE = `Usage: npm run generate -- PROMPT [options]

  --out PATH                  clip.mp4, .webm, .gif, or a folder for numbered PNGs   (clip.mp4)
  --report PATH               write parameters, timings and memory as JSON
  --model NAME                a bundled model, a folder in WanPipeline layout, owner/name of the
                              Hugging Face hub, or a folder’s https:// address          (pocket)
  --revision NAME             branch, tag or commit on the hub; a gated model needs an access token
                              in the environment variable HF_TOKEN              (its default)
  --transformer PLACE         another transformer in the place of the model's: a folder, a .safetensors
                              file, a URL, or a repository of the hub
  --lora PLACE[:SCALE]        a LoRA, merged at this scale; may be given several times        (1)
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
  --fast-decoder SOURCE       a TAEHV file in safetensors format, or its URL               (none)
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

/** @type {import('../../src/pipeline/api.ts').WeightsFormat[]} */
const WEIGHTS = ['f32', 'f16', 'q8', 'q4'];

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

/** What is wrong with the command line, and what would be right. */
export class UsageError extends Error {
  /**
   * @param {string} message
   * @param {string} hint
   */
  constructor(message, hint) {
    super(message);
    this.hint = hint;
  }
}

/**
 * A reference as the engine reads it, or, on this machine, a folder and a file in it ('' for the folder itself).
 * @typedef {string | { folder: string, file: string }} Place
 */

/**
 * @typedef {object} Request
 * @property {import('../../src/pipeline/api.ts').GenerateOptions} generate
 * @property {'auto' | 'webgpu' | 'wasm'} device
 * @property {'auto' | 'float32' | 'float16'} dtype
 * @property {'auto' | import('../../src/pipeline/api.ts').MemoryOptions} memory
 * @property {{ name: string, folder?: string, url?: string }} model A bundled name, a folder, or a reference that the
 *   engine reads.
 * @property {{ revision?: string, token?: string, hubUrl?: string }} hub
 * @property {{ transformer?: Place, fastDecoder?: Place, loras: { source: Place, scale: number }[] }} parts
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
  const [prompt, ...surplus] = positionals;
  if (prompt === undefined) {
    throw new UsageError(
      'The prompt is missing.',
      'npm run generate -- "a red circle moves right"',
    );
  }
  if (surplus.length > 0) {
    throw new UsageError(`What is “${surplus[0]}”?`, 'Put the whole prompt in quotes.');
  }
  /** @type {Request['generate']} */
  const generate = { prompt };
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
  return {
    generate,
    device: oneOf('device', values.device, ['auto', 'webgpu', 'wasm']),
    dtype: oneOf('dtype', values.dtype, ['auto', 'float32', 'float16']),
    memory: memoryOptions(values),
    model: findModel(values.model, bundled),
    hub: hubOptions(values.revision),
    parts: {
      ...(values.transformer === undefined ? {} : { transformer: findPart(values.transformer) }),
      ...(values['fast-decoder'] === undefined
        ? {}
        : { fastDecoder: findPart(values['fast-decoder']) }),
      loras: values.lora.map(parseLora),
    },
    output: {
      ...parseOutput(values.out),
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
  try {
    return parseArgs({
      args,
      allowPositionals: true,
      options: {
        out: { type: 'string', default: 'clip.mp4' },
        report: string,
        model: { type: 'string', default: 'pocket' },
        revision: string,
        transformer: string,
        lora: { type: 'string', multiple: true, default: [] },
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
        'fast-decoder': string,
        decode: string,
        headed: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
  } catch (error) {
    const [message = ''] = String(error instanceof Error ? error.message : error).split('. ');
    throw new UsageError(`${message.replace(/\.$/, '')}.`, 'npm run generate -- --help lists all.');
  }
}

/**
 * @param {string} flag
 * @param {string} text
 */
function number(flag, text) {
  const value = text.trim() === '' ? Number.NaN : Number(text);
  if (Number.isFinite(value)) return value;
  throw new UsageError(`--${flag}: “${text}” is not a number.`, `For example --${flag} 8`);
}

/**
 * @param {{ memory?: string, weights?: string, ram?: string, guidance?: string, tile?: string }} flags
 * @returns {Request['memory']} Only what was given; the engine settles the rest.
 */
function memoryOptions({ memory, weights, ram, guidance, tile }) {
  /** @type {import('../../src/pipeline/api.ts').MemoryOptions} */
  const options = {};
  if (memory !== undefined) options.budgetBytes = megabytes('memory', memory);
  if (weights !== undefined) options.weights = oneOf('weights', weights, WEIGHTS);
  if (ram !== undefined) options.ramBytes = megabytes('ram', ram);
  if (guidance !== undefined) {
    options.guidance = oneOf('guidance', guidance, ['batched', 'sequential']);
  }
  if (tile !== undefined) options.tile = number('tile', tile);
  return Object.keys(options).length === 0 ? 'auto' : options;
}

/**
 * @param {string} flag
 * @param {string} text
 */
function megabytes(flag, text) {
  return Math.round(number(flag, text) * 1e6);
}

/** @param {string} text */
function scaleOf(text) {
  const scale = number('scale', text);
  if (Number.isInteger(scale) && scale >= 1 && scale <= 64) return scale;
  throw new UsageError(`--scale: ${text} is not a whole number from 1 to 64.`, 'Try --scale 4');
}

/**
 * @template {string} T
 * @param {string} flag
 * @param {string} value
 * @param {T[]} choices
 * @returns {T}
 */
function oneOf(flag, value, choices) {
  const found = choices.find((choice) => choice === value);
  if (found !== undefined) return found;
  throw new UsageError(`--${flag}: “${value}” is not known.`, `One of: ${choices.join(', ')}.`);
}

/** @param {string} out */
function parseOutput(out) {
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

/**
 * @param {string} model
 * @param {string[]} bundled
 * @returns {Request['model']}
 */
function findModel(model, bundled) {
  if (bundled.includes(model)) return { name: model };
  if (/^https?:\/\//.test(model)) return { name: model, url: model };
  const folder = resolve(model);
  if (existsSync(folder) && statSync(folder).isDirectory())
    return { name: basename(folder), folder };
  if (/^[\w-][\w.-]*\/[\w-][\w.-]*(?:[@/].*)?$/.test(model)) return { name: model, url: model };
  throw new UsageError(
    `--model: there is no bundled model and no folder “${model}”.`,
    `Bundled: ${bundled.join(', ') || 'none'}. Or give a folder with a model_index.json, or owner/name.`,
  );
}

/**
 * The token comes from the environment alone: command lines are seen by others and kept in histories.
 * @param {string | undefined} revision
 * @returns {Request['hub']}
 */
function hubOptions(revision) {
  const { HF_TOKEN: token, HF_ENDPOINT: hubUrl } = process.env;
  return {
    ...(revision === undefined ? {} : { revision }),
    ...(token ? { token } : {}),
    ...(hubUrl ? { hubUrl } : {}),
  };
}

/**
 * @param {string} text
 * @returns {Place}
 */
function findPart(text) {
  const path = resolve(text);
  const found = statSync(path, { throwIfNoEntry: false });
  if (found?.isDirectory()) return { folder: path, file: '' };
  if (found?.isFile()) return { folder: dirname(path), file: basename(path) };
  // The page would take it for an address on the command's own server.
  if (/^\.{0,2}\//.test(text)) {
    throw new UsageError(`There is no “${text}”.`, 'Give a folder, a file, a URL or owner/name.');
  }
  return text;
}

/** @param {string} text `place` or `place:scale`. */
function parseLora(text) {
  const [, place = text, scale] = /^(.*[^:/]):(-?[\d.]+)$/.exec(text) ?? [];
  // The number after a host is its port.
  if (scale === undefined || /^[a-z]+:\/\/[^/]*$/.test(place)) {
    return { source: findPart(text), scale: 1 };
  }
  return { source: findPart(place), scale: number('lora', scale) };
}
