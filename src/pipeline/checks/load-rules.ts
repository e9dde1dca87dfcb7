/** @file What the options of loading, planning and verifying may be, as far as that depends on no model. */
import { invalidArgument } from '../../errors.ts';
import { checkHubUrl } from '../../weights/hub-fetch.ts';
import { checkLoraScale } from '../../weights/lora-file.ts';
import type {
  AssessOptions,
  InspectOptions,
  ListedPlanOptions,
  LoadOptions,
  LoraReference,
  PlanOptions,
  VerifyOptions,
} from '../api.ts';
import { missingFastDecoder } from '../plan.ts';
import { checkMemory } from './memory-rules.ts';
import { checkRequest } from './request-rules.ts';
import {
  aCallback,
  aFlag,
  anObject,
  anything,
  aSignal,
  aText,
  checkOptions,
  listOf,
  oneOf,
  type Rules,
  within,
  wrongType,
} from './rules.ts';

const PLACE = 'owner/name, an https:// address, or the files of a folder';

const checkDevice = oneOf(['auto', 'webgpu', 'wasm']);

const LORA_RULES: Rules<LoraReference> = {
  source: checkReference,
  scale: checkLoraScale,
};

const INSPECT_RULES: Rules<InspectOptions> = {
  fastDecoder: checkReference,
  transformer: checkReference,
  textEncoderFrom: checkReference,
  vae: checkReference,
  loras: listOf(checkLora),
  revision: aText,
  token: aText,
  hubUrl: (value, name) => checkHubUrl(aText(value, name)),
  signal: aSignal,
};

const DEVICE_RULES: Rules<Pick<LoadOptions, 'device' | 'dtype' | 'memory' | 'textEncoder'>> = {
  device: checkDevice,
  dtype: oneOf(['auto', 'float32', 'float16']),
  // Checked together with storage.
  memory: anything,
  textEncoder: aFlag,
};

const LOAD_RULES: Rules<LoadOptions> = {
  ...INSPECT_RULES,
  ...DEVICE_RULES,
  storage: aFlag,
  clip: (clip, name) => checkRequest(anObject(clip, name)),
  onProgress: aCallback,
  pause: aSignal,
};

/** The clip's own are checked as those of any clip. */
const CLIP_RULES = {
  width: anything,
  height: anything,
  numFrames: anything,
  guidanceScale: anything,
  maxSequenceLength: anything,
  decode: anything,
};

const PLAN_RULES: Rules<PlanOptions> = {
  ...INSPECT_RULES,
  ...DEVICE_RULES,
  ...CLIP_RULES,
  preview: aFlag,
};

const LISTED_PLAN_RULES: Rules<ListedPlanOptions> = {
  ...DEVICE_RULES,
  ...CLIP_RULES,
  preview: aFlag,
  fastDecoder: aText,
  signal: aSignal,
};

const ASSESS_RULES: Rules<AssessOptions> = {
  device: checkDevice,
  isStored: aFlag,
  keptBytes: within({ least: 0, most: Number.MAX_SAFE_INTEGER }),
  fastDecoder: aFlag,
  signal: aSignal,
};

const VERIFY_RULES: Rules<VerifyOptions> = {
  token: aText,
  hubUrl: (value, name) => checkHubUrl(aText(value, name)),
  folder: checkReference,
  onProgress: aCallback,
  signal: aSignal,
};

/** @throws ZoetropeError `invalid-argument`, naming the option; also for an option that there is not. */
export function checkLoadOptions(source: unknown, options: LoadOptions): void {
  checkReference(source, 'model');
  checkOptions(options, LOAD_RULES);
  checkMemory(options);
  const { clip } = options;
  if (!clip) return;
  if (clip.decode === 'fast' && options.fastDecoder === undefined) throw missingFastDecoder();
}

/** @throws ZoetropeError `invalid-argument`. */
export function checkInspectOptions(source: unknown, options: InspectOptions): void {
  checkReference(source, 'model');
  checkOptions(options, INSPECT_RULES);
}

/** @throws ZoetropeError `invalid-argument`. */
export function checkPlanOptions(source: unknown, options: PlanOptions): void {
  checkReference(source, 'model');
  checkOptions(options, PLAN_RULES);
  checkPlan(options);
}

/** @throws ZoetropeError `invalid-argument`. */
export function checkListedPlanOptions(options: ListedPlanOptions): void {
  checkOptions(options, LISTED_PLAN_RULES);
  checkPlan(options);
}

function checkPlan(options: PlanOptions | ListedPlanOptions): void {
  // Whether weights are kept in storage changes nothing on the device.
  checkMemory({ ...options, storage: true });
  checkRequest(clipOf(options));
  if (options.decode === 'fast' && options.fastDecoder === undefined) throw missingFastDecoder();
}

/** What a plan's options say of the clip. */
export function clipOf<T extends Partial<Record<keyof typeof CLIP_RULES, unknown>>>(
  options: T,
): Pick<T, keyof typeof CLIP_RULES> {
  const clip = Object.entries(options).filter(([name]) => Object.hasOwn(CLIP_RULES, name));
  return Object.fromEntries(clip);
}

/** @throws ZoetropeError `invalid-argument`. */
export function checkDeviceChoice(device: unknown): void {
  checkDevice(device, 'device');
}

/** @throws ZoetropeError `invalid-argument`. */
export function checkAssessOptions(options: AssessOptions): void {
  checkOptions(options, ASSESS_RULES);
}

/** @throws ZoetropeError `invalid-argument`. */
export function checkVerifyOptions(options: VerifyOptions): void {
  checkOptions(options, VERIFY_RULES);
}

function checkLora(lora: unknown, name: string): void {
  if (typeof lora === 'object' && lora !== null) {
    checkOptions(lora as LoraReference, LORA_RULES, `${name}.`);
    checkReference((lora as Partial<LoraReference>).source, `${name}.source`);
  } else {
    throw wrongType(name, lora, "an object such as { source: 'owner/name', scale: 1 }");
  }
}

function checkReference(reference: unknown, name: string): void {
  if (typeof reference === 'string') {
    if (reference.trim() !== '') return;
    throw invalidArgument(name, 'it is empty.', `Give ${PLACE}.`);
  }
  const { files } = (reference ?? {}) as { files?: unknown };
  if (!Array.isArray(files) || !files.every(isFileAt)) throw wrongType(name, reference, PLACE);
}

function isFileAt(each: unknown): boolean {
  const { path, file } = (each ?? {}) as { path?: unknown; file?: unknown };
  return typeof path === 'string' && file instanceof Blob;
}
