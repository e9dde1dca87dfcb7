/** @file Reads the `config.json` files of a Wan checkpoint; field names are diffusers' own, in camelCase. */
import { modelFormat } from '../../errors.ts';

export interface WanTransformerConfig {
  /** Frames, rows, columns of latents in a token. */
  readonly patchSize: readonly [number, number, number];
  readonly numAttentionHeads: number;
  readonly attentionHeadDim: number;
  readonly inChannels: number;
  readonly outChannels: number;
  readonly textDim: number;
  readonly freqDim: number;
  readonly ffnDim: number;
  readonly numLayers: number;
  readonly crossAttnNorm: boolean;
  readonly eps: number;
  readonly ropeMaxSeqLen: number;
}

export interface WanVaeConfig {
  readonly zDim: number;
  readonly decoderBaseDim: number;
  readonly dimMult: readonly number[];
  readonly numResBlocks: number;
  /** In decoding order: the reverse of the configuration's `temperal_downsample`. */
  readonly temporalUpsample: readonly boolean[];
  readonly isResidual: boolean;
  readonly outChannels: number;
  /** Pixels a side that one decoder output pixel holds; 1 for none. */
  readonly patchSize: number;
  readonly latentsMean: readonly number[];
  readonly latentsStd: readonly number[];
  /** Pixels a side of one latent. */
  readonly scaleFactorSpatial: number;
  /** Frames in one latent frame, but for the first. */
  readonly scaleFactorTemporal: number;
}

export interface Umt5Config {
  readonly vocabSize: number;
  readonly dModel: number;
  readonly dKv: number;
  readonly dFf: number;
  readonly numLayers: number;
  readonly numHeads: number;
  readonly relativeAttentionNumBuckets: number;
  readonly relativeAttentionMaxDistance: number;
  readonly layerNormEpsilon: number;
}

/** A parsed JSON object with typed, checked access: what is missing or of another type is named. */
class Fields {
  readonly #fields: Readonly<Record<string, unknown>>;
  readonly #file: string;

  constructor(json: unknown, file: string) {
    if (typeof json !== 'object' || json === null || Array.isArray(json)) {
      throw modelFormat(`${file} is not an object.`, 'The file is damaged.');
    }
    this.#fields = json as Record<string, unknown>;
    this.#file = file;
  }

  refuse(name: string, problem: string): never {
    throw modelFormat(
      `${this.#file}: ${name} ${problem}.`,
      'This kind of checkpoint is not supported: see the README for those that are.',
    );
  }

  get(name: string): unknown {
    return this.#fields[name];
  }

  integer(name: string, fallback?: number): number {
    const value = this.#fields[name] ?? fallback;
    if (!Number.isInteger(value) || (value as number) < 1)
      this.refuse(name, 'is no positive integer');
    return value as number;
  }

  number(name: string, fallback: number): number {
    const value = this.#fields[name] ?? fallback;
    if (typeof value !== 'number' || !Number.isFinite(value)) this.refuse(name, 'is no number');
    return value;
  }

  boolean(name: string, fallback: boolean): boolean {
    const value = this.#fields[name] ?? fallback;
    if (typeof value !== 'boolean') this.refuse(name, 'is neither true nor false');
    return value;
  }

  array<T>(name: string, is: (item: unknown) => item is T, fallback: readonly T[]): readonly T[] {
    const value = this.#fields[name] ?? fallback;
    if (!Array.isArray(value) || !value.every(is))
      this.refuse(name, 'is no list of the right kind');
    return value;
  }

  /** Refuses a field that is set to anything but one of `allowed`. */
  only(name: string, ...allowed: readonly unknown[]): void {
    const value = this.#fields[name];
    if (value !== undefined && !allowed.includes(value)) {
      this.refuse(name, `is ${JSON.stringify(value)}, which is not supported`);
    }
  }
}

const isNumber = (item: unknown): item is number => typeof item === 'number';
const isInteger = (item: unknown): item is number => Number.isInteger(item);
const isBoolean = (item: unknown): item is boolean => typeof item === 'boolean';

/** @throws ZoetropeError `model-format` for what is missing, malformed or not supported. */
export function parseTransformerConfig(
  json: unknown,
  file = 'transformer/config.json',
): WanTransformerConfig {
  const fields: Fields = new Fields(json, file);
  fields.only('_class_name', 'WanTransformer3DModel');
  fields.only('qk_norm', 'rms_norm_across_heads');
  // Image-to-video models carry image projections that text-to-video has no input for.
  fields.only('added_kv_proj_dim', null);
  fields.only('image_dim', null);
  const patchSize = fields.array('patch_size', isInteger, [1, 2, 2]);
  const [frames, rows, columns] = patchSize;
  if (patchSize.length !== 3 || !frames || !rows || !columns) {
    fields.refuse('patch_size', 'does not have three entries');
  }
  const inChannels = fields.integer('in_channels', 16);
  return {
    patchSize: [frames, rows, columns],
    numAttentionHeads: fields.integer('num_attention_heads', 40),
    attentionHeadDim: fields.integer('attention_head_dim', 128),
    inChannels,
    outChannels: fields.integer('out_channels', inChannels),
    textDim: fields.integer('text_dim', 4096),
    freqDim: fields.integer('freq_dim', 256),
    ffnDim: fields.integer('ffn_dim', 13824),
    numLayers: fields.integer('num_layers', 40),
    crossAttnNorm: fields.boolean('cross_attn_norm', true),
    eps: fields.number('eps', 1e-6),
    ropeMaxSeqLen: fields.integer('rope_max_seq_len', 1024),
  };
}

/** @throws ZoetropeError `model-format` for what is missing, malformed or not supported. */
export function parseVaeConfig(json: unknown, file = 'vae/config.json'): WanVaeConfig {
  const fields: Fields = new Fields(json, file);
  fields.only('_class_name', 'AutoencoderKLWan');
  const scales = fields.array('attn_scales', isNumber, []);
  if (scales.length > 0) fields.refuse('attn_scales', 'is not empty, which is not supported');
  const zDim = fields.integer('z_dim', 16);
  const dimMult = fields.array('dim_mult', isInteger, [1, 2, 4, 4]);
  const downsample = fields.array('temperal_downsample', isBoolean, [false, true, true]);
  if (downsample.length !== dimMult.length - 1) {
    fields.refuse('temperal_downsample', 'does not have one entry fewer than dim_mult');
  }
  const latentsMean = fields.array('latents_mean', isNumber, []);
  const latentsStd = fields.array('latents_std', isNumber, []);
  if (latentsMean.length !== zDim) fields.refuse('latents_mean', `does not have ${zDim} entries`);
  if (latentsStd.length !== zDim) fields.refuse('latents_std', `does not have ${zDim} entries`);
  const isPatched = (fields.get('patch_size') ?? null) !== null;
  const patchSize = isPatched ? fields.integer('patch_size') : 1;
  return {
    zDim,
    decoderBaseDim: fields.integer('decoder_base_dim', fields.integer('base_dim', 96)),
    dimMult,
    numResBlocks: fields.integer('num_res_blocks', 2),
    temporalUpsample: downsample.toReversed(),
    isResidual: fields.boolean('is_residual', false),
    outChannels: fields.integer('out_channels', 3),
    patchSize,
    latentsMean,
    latentsStd,
    // Derived, not read: what the decoder's own stages do is what the latents' size must fit.
    scaleFactorSpatial: 2 ** (dimMult.length - 1) * patchSize,
    scaleFactorTemporal: 2 ** downsample.filter(Boolean).length,
  };
}

/** @throws ZoetropeError `model-format` for what is missing, malformed or not supported. */
export function parseUmt5Config(json: unknown, file = 'text_encoder/config.json'): Umt5Config {
  const fields = new Fields(json, file);
  fields.only('model_type', 'umt5');
  fields.only('feed_forward_proj', 'gated-gelu');
  fields.only('dense_act_fn', 'gelu_new');
  return {
    vocabSize: fields.integer('vocab_size'),
    dModel: fields.integer('d_model'),
    dKv: fields.integer('d_kv'),
    dFf: fields.integer('d_ff'),
    numLayers: fields.integer('num_layers'),
    numHeads: fields.integer('num_heads'),
    relativeAttentionNumBuckets: fields.integer('relative_attention_num_buckets', 32),
    relativeAttentionMaxDistance: fields.integer('relative_attention_max_distance', 128),
    layerNormEpsilon: fields.number('layer_norm_epsilon', 1e-6),
  };
}
