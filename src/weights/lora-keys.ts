/**
 * @file What the name of a tensor in a LoRA says: which module of which part of a model it changes, and how. Trainers
 * differ in prefixes, in the names of the two matrices, and in whether a module's name keeps its dots.
 */

/**
 * `down` and `up` are the two matrices, `upBias` the second one's bias; differences are added as they are, to a module's
 * weight, its bias, or a block's modulation table.
 */
export type LoraRole =
  'down' | 'up' | 'upBias' | 'alpha' | 'difference' | 'biasDifference' | 'modulationDifference';

export interface LoraKey {
  readonly role: LoraRole;
  /** As the trainer calls it, without its prefix. */
  readonly module: string;
  /** Dots were written as underscores. */
  readonly isFlat: boolean;
}

const ROLES: readonly (readonly [RegExp, LoraRole])[] = [
  [/\.(lora_A(\.default)?|lora_down|lora\.down)\.weight$/, 'down'],
  [/\.(lora_B(\.default)?|lora_up|lora\.up)\.weight$/, 'up'],
  [/\.lora_B(\.default)?\.bias$/, 'upBias'],
  [/\.alpha$/, 'alpha'],
  [/\.diff$/, 'difference'],
  [/\.diff_b$/, 'biasDifference'],
  [/\.diff_m$/, 'modulationDifference'],
];

const PREFIX = /^(base_model\.model\.)?(model\.diffusion_model\.|diffusion_model\.|transformer\.)?/;
const FLAT_PREFIX = /^lora_(unet|transformer)__?/;

/** What this kind of tensor is, where it is known and cannot be merged. */
const UNSUPPORTED: readonly (readonly [RegExp, string])[] = [
  [/dora_scale$|lora_magnitude_vector/, 'DoRA'],
  [/\.(hada_|lokr_|lora_mid|oft_|glora)/, 'neither a LoRA nor a difference'],
  [/^(text_encoder|text_model|te\d?\.|lora_te|cond_stage_model|conditioner)/, 'of a text encoder'],
];

/** Undefined: see {@link unsupportedLoraKey}. */
export function parseLoraKey(key: string): LoraKey | undefined {
  if (UNSUPPORTED.some(([pattern]) => pattern.test(key))) return undefined;
  const [pattern, role] = ROLES.find(([ending]) => ending.test(key)) ?? [];
  if (!pattern || !role) return undefined;
  const whole = key.replace(pattern, '');
  const isFlat = FLAT_PREFIX.test(whole);
  return { role, isFlat, module: whole.replace(isFlat ? FLAT_PREFIX : PREFIX, '') };
}

/** Why a name is none that can be merged. */
export function unsupportedLoraKey(key: string): string {
  return UNSUPPORTED.find(([pattern]) => pattern.test(key))?.[1] ?? 'of no known kind';
}
