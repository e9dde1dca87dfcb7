/** @file The command line of `npm run plan`. */
import {
  memoryOptions,
  oneOf,
  parseFlags,
  refuseEmpty,
  refusePositionals,
  UsageError,
} from '../command-line.mjs';
import { findModel, hubOptions, PART_FLAGS, PARTS_USAGE, partsOf } from '../model-arguments.mjs';
import { NUMBER_RULES, numberWithin } from '../number-rules.mjs';

export const USAGE = `Usage: npm run plan -- [options]

  --model NAME                a bundled model, a folder in WanPipeline layout, owner/name of the
                              Hugging Face hub, or a folder’s https:// address          (pocket)
  --revision NAME             branch, tag or commit on the hub                   (its default)${PARTS_USAGE}
  --width N  --height N       pixels                                   (the model's default)
  --num-frames N              frames of the clip                       (the model's default)
  --guidance-scale X          above 1 two passes are held at once      (the model's default)
  --max-sequence-length N     tokens of the prompt                     (the model's default)
  --decode NAME               full, or fast: by the fast decoder                       (full)
  --device NAME               webgpu, or wasm: the CPU                                (webgpu)
  --dtype NAME                float32 or float16                 (float16, on the CPU float32)
  --memory N                  budget of device memory in MB                        (no limit)
  --weights NAME              f32, f16, q8 or q4                            (as --dtype says)
  --guidance NAME             batched or sequential              (batched, if that can be made)
  --tile N                    pixels a side of a decoder tile       (whole frames, if they can)
  --help                      this text

Of a model, a LoRA or another part that is not on this machine, the configuration and the headers of
its files are read: kilobytes, and no weights.
`;

/** Numbers of a clip that its memory depends on, by flag. */
const CLIP_NUMBERS = /** @type {const} */ ({
  width: 'width',
  height: 'height',
  'num-frames': 'numFrames',
  'guidance-scale': 'guidanceScale',
  'max-sequence-length': 'maxSequenceLength',
});

const CLIP_FLAGS = /** @type {(keyof typeof CLIP_NUMBERS)[]} */ (Object.keys(CLIP_NUMBERS));

/**
 * @typedef {object} PlanRequest
 * @property {string[]} notes About the command line.
 * @property {import('../model-arguments.mjs').Model} model
 * @property {ReturnType<typeof hubOptions>} hub
 * @property {import('../model-arguments.mjs').Parts} parts
 * @property {import('../../src/pipeline/api.ts').ClipSize} clip
 * @property {'webgpu' | 'wasm'} device
 * @property {'float32' | 'float16'} dtype
 * @property {import('../../src/pipeline/api.ts').MemoryOptions} memory
 */

/**
 * @param {string[]} args
 * @param {string[]} bundled Names of the bundled models.
 * @returns {PlanRequest | 'help'}
 */
export function parseCommandLine(args, bundled) {
  const string = /** @type {const} */ ({ type: 'string' });
  const { values, positionals, notes } = parseFlags('plan', args, {
    model: { type: 'string', default: 'pocket' },
    revision: string,
    ...PART_FLAGS,
    width: string,
    height: string,
    'num-frames': string,
    'guidance-scale': string,
    'max-sequence-length': string,
    decode: string,
    device: { type: 'string', default: 'webgpu' },
    dtype: string,
    memory: string,
    weights: string,
    guidance: string,
    tile: string,
    help: { type: 'boolean', short: 'h', default: false },
  });
  if (values.help) return 'help';
  refusePositionals(positionals, 'A plan needs no prompt.');
  refuseEmpty(values, ['model', 'revision', ...Object.keys(PART_FLAGS)]);
  /** @type {PlanRequest['clip']} */
  const clip = {};
  for (const flag of CLIP_FLAGS) {
    const text = values[flag];
    const name = CLIP_NUMBERS[flag];
    if (text !== undefined) clip[name] = numberWithin(flag, text, NUMBER_RULES[name]);
  }
  if (values.decode !== undefined) clip.decode = oneOf('decode', values.decode, ['full', 'fast']);
  if (clip.decode === 'fast' && values['fast-decoder'] === undefined) {
    throw new UsageError('--decode fast needs --fast-decoder.', 'Give the place of a TAEHV file.');
  }
  const memory = memoryOptions(values);
  const device = oneOf('device', values.device, ['webgpu', 'wasm']);
  const { dtype = device === 'wasm' ? 'float32' : 'float16' } = values;
  if (device === 'wasm' && dtype === 'float16') {
    throw new UsageError(
      '--dtype: the CPU cannot compute in float16.',
      'Leave --dtype out with --device wasm.',
    );
  }
  const model = findModel(values.model, bundled);
  return {
    notes,
    model,
    hub: hubOptions(values.revision, model),
    parts: partsOf(values),
    clip,
    device,
    dtype: oneOf('dtype', dtype, ['float32', 'float16']),
    // A plan of the command line is of no machine: what is not said has no limit.
    memory: memory === 'auto' ? {} : memory,
  };
}
