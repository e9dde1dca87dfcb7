/** @file The form: what the user asks for, the checkpoint's defaults, and the address bar's. */
import type {
  CheckpointReport,
  ClipSize,
  ComputeDtype,
  DeviceChoice,
  GenerateOptions,
  LoadOptions,
  SchedulerName,
  Verdict,
} from '../pipeline/api.ts';
import { findModel } from '../families/catalogue/entries.ts';
import type { ModelEntry } from '../families/catalogue/model-entry.ts';
import { parseSeed, type Seed } from '../seed.mjs';
import { ADDRESS_FIELDS } from './address-fields.ts';
import { element, input, readNumber, select } from './elements.ts';
import { readTimes, timesField } from './few-step-fields.ts';
import { memoryField, memoryText, readMemory } from './memory-fields.ts';
import { type ModelChoice, readModelChoice } from './model-choice.ts';
import { COMPONENTS, PART_FIELDS, partsParameters, readParts } from './model-parts.ts';

/** Options of loading that come with the choice of a model. */
export interface ModelLoad {
  readonly revision?: string;
  readonly token?: string;
  readonly transformer?: string;
  readonly textEncoderFrom?: string;
  readonly vae?: string;
  /** A TAEHV file. */
  readonly fastDecoder?: string;
  readonly loras?: ModelEntry['load']['loras'] & {};
}

export interface Settings {
  /** An entry's id, a repository or an address: see `modelChoice`. */
  readonly model: string;
  readonly load: ModelLoad;
  readonly device: DeviceChoice;
  readonly dtype: ComputeDtype | 'auto';
  readonly memory: NonNullable<LoadOptions['memory']>;
  /** Whether the checkpoint is kept in the browser's storage. */
  readonly storage: boolean;
  readonly generate: GenerateOptions & { readonly prompt: string; readonly seed: Seed };
}

export const DEFAULT_MODEL = 'pocket';

/** Options that are numbers, by the id of their field: diffusers' name in kebab case. */
export const NUMBERS = {
  width: 'width',
  height: 'height',
  numFrames: 'num-frames',
  numInferenceSteps: 'num-inference-steps',
  guidanceScale: 'guidance-scale',
  frameRate: 'frame-rate',
  maxSequenceLength: 'max-sequence-length',
  flowShift: 'flow-shift',
} as const;

export type NumberOption = keyof typeof NUMBERS;

/** Names of all fields that a checkpoint has recommendations for. */
export const RECOMMENDED: ReadonlySet<string> = new Set(Object.values(NUMBERS));

const text = (id: string): HTMLTextAreaElement => element(id, HTMLTextAreaElement);

/** The field of an option, for marking it and for moving the focus there. */
export function fieldOf(option: string): HTMLElement | undefined {
  if (option === 'prompt') return text('prompt');
  if (option === 'negativePrompt') return text('negative-prompt');
  if (option === 'seed' || option === 'model') return input(option);
  if (option === 'device' || option === 'scheduler' || option === 'decode') return select(option);
  if (option === 'loras') return text('lora');
  if (option === 'fastDecoder') return input('fast-decoder');
  if (Object.hasOwn(COMPONENTS, option))
    return input(COMPONENTS[option as keyof typeof COMPONENTS]);
  if (option in NUMBERS) return input(NUMBERS[option as NumberOption]);
  return timesField(option) ?? memoryField(option);
}

/** Reads the form. Draws a new seed unless it is locked. */
export function readSettings(): Settings {
  const numbers: Partial<Record<NumberOption, number>> = {};
  for (const [option, id] of Object.entries(NUMBERS) as [NumberOption, string][]) {
    const value = readNumber(id);
    if (value !== undefined) numbers[option] = value;
  }
  const times = readTimes();
  // The form always has a number of steps in it, be it the model's default.
  if (times.timesteps || times.sigmas) delete numbers.numInferenceSteps;
  const scheduler = select('scheduler').value as SchedulerName | '';
  const decode = select('decode').value as 'fast' | '';
  const model = input('model').value.trim();
  const load = readLoad(model);
  return {
    model,
    load,
    device: select('device').value as DeviceChoice,
    dtype: select('dtype').value as ComputeDtype | 'auto',
    memory: readMemory(),
    storage: input('storage').checked,
    generate: {
      ...(load.fastDecoder === undefined || decode === '' ? {} : { decode }),
      ...numbers,
      ...times,
      ...(scheduler === '' ? {} : { scheduler }),
      prompt: text('prompt').value,
      negativePrompt: text('negative-prompt').value,
      seed: chooseSeed(),
    },
  };
}

function readLoad(model: string): ModelLoad {
  const entry = findModel(model);
  const revision = entry ? (entry.revision ?? '') : input('revision').value.trim();
  const token = input('token').value.trim();
  const fastDecoder = input('fast-decoder').value.trim();
  const parts = readParts(formParts());
  const loras = [...(entry?.load.loras ?? []), ...(parts.loras ?? [])];
  return {
    ...(revision === '' ? {} : { revision }),
    ...(token === '' ? {} : { token }),
    ...(fastDecoder === '' ? {} : { fastDecoder }),
    ...parts,
    ...(loras.length === 0 ? {} : { loras }),
  };
}

/** The fields of parts, as the address has them. */
function formParts(): URLSearchParams {
  const loras = text('lora')
    .value.split('\n')
    .map((line) => line.trim());
  return new URLSearchParams([
    ...PART_FIELDS.map((id) => [id, input(id).value.trim()]),
    ...loras.filter((line) => line !== '').map((line) => ['lora', line]),
  ]);
}

function chooseSeed(): Seed {
  const typed = input('seed').value.trim();
  if (input('seed-lock').checked && typed !== '') {
    const seed = parseSeed(typed);
    // The engine refuses what is not a seed: by the words that were typed.
    return Number.isNaN(seed) ? (typed as unknown as Seed) : seed;
  }
  // Six digits: a seed that one can read out to somebody.
  return (crypto.getRandomValues(new Uint32Array(1))[0] ?? 0) % 1_000_000;
}

export function showSeed(seed: Seed): void {
  input('seed').value = String(seed);
}

export function setOption(option: string, value: number): void {
  const field = fieldOf(option);
  if (field instanceof HTMLInputElement) field.value = memoryText(option, value);
}

/**
 * Fills in what the checkpoint recommends, except what `keep` says was chosen already, and says which sizes it can do.
 */
export function applyCheckpoint(report: CheckpointReport, keep: ReadonlySet<string>): void {
  const { defaults, constraints } = report;
  for (const [option, id] of Object.entries(NUMBERS) as [NumberOption, string][]) {
    if (option === 'flowShift' || keep.has(id)) continue;
    input(id).value = String(defaults[option]);
  }
  element('decode-field', HTMLElement).hidden = input('fast-decoder').value.trim() === '';
  const { sizeMultiple, frameMultiple, maxSize, maxFrames } = constraints;
  for (const id of ['width', 'height']) {
    input(id).min = String(sizeMultiple);
    input(id).step = String(sizeMultiple);
    input(id).max = String(maxSize);
  }
  input('num-frames').step = String(frameMultiple);
  input('num-frames').max = String(maxFrames);
  element('size-help', HTMLElement).textContent =
    `Width and height in multiples of ${sizeMultiple}; frames 1, ${frameMultiple + 1}, ` +
    `${2 * frameMultiple + 1} … (${frameMultiple}k + 1).`;
}

/** Fills in what the catalogue recommends, except what `keep` says was chosen already. */
export function applyModel(
  { generate, load }: ModelEntry,
  { size, memory }: Verdict,
  keep: ReadonlySet<string>,
): void {
  const fill = (id: string, value: string): void => {
    if (keep.has(id)) return;
    const field = element(id, HTMLElement);
    if (field instanceof HTMLSelectElement) field.value = value;
    else input(id).value = value;
  };
  fill('width', String(size.width));
  fill('height', String(size.height));
  fill('num-frames', String(size.numFrames));
  fill('flow-shift', String(generate.flowShift ?? ''));
  fill('scheduler', generate.scheduler ?? '');
  fill('timesteps', generate.timesteps?.join(', ') ?? '');
  fill('sigmas', generate.sigmas?.join(', ') ?? '');
  const budget = memory?.budgetBytes;
  fill('memory', budget === undefined ? '' : memoryText('memory.budgetBytes', budget));
  fill('weights', memory ? 'q4' : '');
  if (!keep.has('storage')) input('storage').checked = load.storage;
}

/**
 * Fills the form from the address, `?prompt=…&seed=…`: the same names as the headless command's flags.
 * @returns The names that were given.
 */
export function applyAddress(address: URLSearchParams): Set<string> {
  const given = new Set<string>();
  for (const [name, value] of address) {
    if (!ADDRESS_FIELDS.has(name)) continue;
    const field = document.getElementById(name);
    if (
      field instanceof HTMLInputElement ||
      field instanceof HTMLTextAreaElement ||
      field instanceof HTMLSelectElement
    ) {
      if (field.type === 'checkbox') field.setAttribute('checked', '');
      else {
        field.value = name === 'lora' ? address.getAll(name).join('\n') : value;
        keepUnfit(field, value);
      }
      given.add(name);
    }
  }
  if ([...address].some(([name, value]) => name === 'token' || /[?@#]/.test(value))) {
    // The fields have read it: what is secret in it need not stay where addresses are copied from.
    void import('./address.ts').then(({ publicAddress }) => {
      history.replaceState(history.state, '', publicAddress(location.href));
    });
  }
  if (given.has('seed')) input('seed-lock').checked = true;
  for (const id of ['advanced', 'parts']) {
    const details = element(id, HTMLDetailsElement);
    details.open = [...given].some((name) => details.querySelector(`[id="${name}"]`) !== null);
  }
  return given;
}

/** A value that the field cannot hold is refused when the form is read, instead of being dropped. */
function keepUnfit(
  field: HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement,
  value: string,
): void {
  if (field.value !== '' || value === '') return;
  if (field instanceof HTMLSelectElement) field.add(new Option(value, value, false, true));
  else field.setCustomValidity(value);
  field.addEventListener('input', () => field.setCustomValidity(''), { once: true });
}

/** What the user has put in the place of a model's parts or on top of them, as the address has it. */
export function addedParts({ model, load }: Pick<Settings, 'model' | 'load'>): [string, string][] {
  // An entry of the catalogue brings LoRAs of its own: they come first.
  const own = findModel(model)?.load.loras?.length ?? 0;
  return partsParameters({ ...load, loras: load.loras?.slice(own) ?? [] });
}

/** @throws ZoetropeError `invalid-argument` for what is no model's name. */
export function modelChoice(model: string): ModelChoice {
  return readModelChoice(model, document.baseURI);
}

/** Typing a seed is asking for it. */
export function setUpSeed(): void {
  input('seed').addEventListener('input', () => {
    input('seed-lock').checked = input('seed').value !== '';
  });
}

const CLIP_OPTIONS = [
  'width',
  'height',
  'numFrames',
  'guidanceScale',
  'maxSequenceLength',
] as const satisfies readonly (keyof ClipSize)[];

/** What of a request decides how much memory it takes. */
export function clipSize(generate: GenerateOptions): ClipSize {
  const size: ClipSize = {};
  for (const option of CLIP_OPTIONS) {
    if (generate[option] !== undefined) size[option] = generate[option];
  }
  if (generate.decode !== undefined) size.decode = generate.decode;
  return size;
}
