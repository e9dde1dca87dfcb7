/** @file Reads the `config.json` files of a Wan checkpoint; field names are diffusers' own, in camelCase. */
import { describe, Fields, type NumberRange } from '../../config/fields.ts';
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

/**
 * Far above every published model. What a file's header holds is the closer bound, and is checked where the header is known
 * (`header-check.ts`): these keep every product of sizes exact, and planning quick where there is no header.
 */
/** Counts of blocks are held against the header alone, which says how many there are. */
const COUNT: NumberRange = { least: 1, most: Number.MAX_SAFE_INTEGER };
const WIDTH: NumberRange = { least: 1, most: 2 ** 17 };
const VOCABULARY: NumberRange = { least: 1, most: 2 ** 24 };
const CHANNELS: NumberRange = { least: 1, most: 2 ** 14 };
const PATCH: NumberRange = { least: 1, most: 16 };
/** Positions a side: 1024 in every published Wan. A grid of tokens is planned piece by piece. */
const POSITIONS: NumberRange = { least: 1, most: 2 ** 13 };
/** Below, float32 cannot tell it from nothing beside a square; above, a norm is none any more. Published: 1e-6. */
const EPSILON: NumberRange = { least: 1e-12, most: 1e-2 };

/** Upsamplings double a side each time: more than these make a single latent larger than a clip. */
const VAE_LEVELS = 8;
const VAE_MULTIPLE: NumberRange = { least: 1, most: 64 };
/** Latents are near a normal distribution before they are scaled back: published means and deviations are within 4. */
const LATENTS_MEAN: NumberRange = { least: -1e4, most: 1e4 };
const LATENTS_STD: NumberRange = { least: 1e-4, most: 1e4 };

const BUCKETS: NumberRange = { least: 4, most: 2 ** 12 };
const DISTANCE: NumberRange = { least: 1, most: 2 ** 20 };

/** @throws ZoetropeError `model-format` for what is missing, malformed, senseless or not supported. */
export function parseTransformerConfig(
  json: unknown,
  file = 'transformer/config.json',
): WanTransformerConfig {
  const fields = new Fields(json, file);
  fields.only('_class_name', 'WanTransformer3DModel');
  fields.only('qk_norm', 'rms_norm_across_heads');
  refuseImages(fields, file);
  const patchSize = fields.integers('patch_size', { ...PATCH, length: 3 }, [1, 2, 2]);
  const [frames, rows, columns] = patchSize;
  if (!frames || !rows || !columns) throw fields.error('patch_size', 'not three entries.');
  const inChannels = fields.integer('in_channels', CHANNELS, 16);
  const numAttentionHeads = fields.integer('num_attention_heads', WIDTH, 40);
  const attentionHeadDim = fields.integer('attention_head_dim', WIDTH, 128);
  if (attentionHeadDim % 2 !== 0) {
    throw fields.error('attention_head_dim', 'not even: positions turn pairs of values.');
  }
  if (numAttentionHeads * attentionHeadDim > WIDTH.most) {
    const width = `${numAttentionHeads} heads of ${attentionHeadDim}`;
    throw fields.error('num_attention_heads', `${width} are wider than ${WIDTH.most}.`);
  }
  const freqDim = fields.integer('freq_dim', WIDTH, 256);
  if (freqDim % 2 !== 0) {
    throw fields.error('freq_dim', 'not even: half of it are sines, half cosines.');
  }
  return {
    patchSize: [frames, rows, columns],
    numAttentionHeads,
    attentionHeadDim,
    inChannels,
    outChannels: fields.integer('out_channels', CHANNELS, inChannels),
    textDim: fields.integer('text_dim', WIDTH, 4096),
    freqDim,
    ffnDim: fields.integer('ffn_dim', WIDTH, 13824),
    numLayers: fields.integer('num_layers', COUNT, 40),
    crossAttnNorm: fields.boolean('cross_attn_norm', true),
    eps: fields.number('eps', EPSILON, 1e-6),
    ropeMaxSeqLen: fields.integer('rope_max_seq_len', POSITIONS, 1024),
  };
}

/** Image-to-video models carry image projections that text-to-video has no input for. */
function refuseImages(fields: Fields, file: string): void {
  const name = ['image_dim', 'added_kv_proj_dim'].find(
    (each) => (fields.get(each) ?? null) !== null,
  );
  if (name === undefined) return;
  throw modelFormat(
    `${file}: ${name} is ${describe(fields.get(name))}: this is the transformer of an image-to-video model, which is not supported.`,
    'Choose the text-to-video model (T2V) of the same size.',
  );
}

/** @throws ZoetropeError `model-format` for what is missing, malformed, senseless or not supported. */
export function parseVaeConfig(json: unknown, file = 'vae/config.json'): WanVaeConfig {
  const fields = new Fields(json, file);
  fields.only('_class_name', 'AutoencoderKLWan');
  const scales = fields.get('attn_scales') ?? [];
  if (!Array.isArray(scales) || scales.length > 0) {
    throw fields.error('attn_scales', 'which is not supported.');
  }
  const zDim = fields.integer('z_dim', CHANNELS, 16);
  const levels = { ...VAE_MULTIPLE, length: VAE_LEVELS };
  const dimMult = fields.integers('dim_mult', levels, [1, 2, 4, 4]);
  if (dimMult.length === 0) throw fields.error('dim_mult', 'which is not supported.');
  const downsample = fields.booleans('temperal_downsample', VAE_LEVELS, [false, true, true]);
  if (downsample.length !== dimMult.length - 1) {
    throw fields.error('temperal_downsample', 'not one entry fewer than dim_mult.');
  }
  const latentsMean = fields.numbers('latents_mean', { ...LATENTS_MEAN, length: zDim }, []);
  const latentsStd = fields.numbers('latents_std', { ...LATENTS_STD, length: zDim }, []);
  if (latentsMean.length !== zDim) throw fields.error('latents_mean', `not ${zDim} entries.`);
  if (latentsStd.length !== zDim) throw fields.error('latents_std', `not ${zDim} entries.`);
  const patchSize = fields.integer('patch_size', PATCH, 1);
  const baseDim = fields.integer('base_dim', CHANNELS, 96);
  return {
    zDim,
    decoderBaseDim: fields.integer('decoder_base_dim', CHANNELS, baseDim),
    dimMult,
    numResBlocks: fields.integer('num_res_blocks', COUNT, 2),
    temporalUpsample: downsample.toReversed(),
    isResidual: fields.boolean('is_residual', false),
    outChannels: fields.integer('out_channels', CHANNELS, 3),
    patchSize,
    latentsMean,
    latentsStd,
    // Derived, not read: what the decoder's own stages do is what the latents' size must fit.
    scaleFactorSpatial: 2 ** (dimMult.length - 1) * patchSize,
    scaleFactorTemporal: 2 ** downsample.filter(Boolean).length,
  };
}

/** @throws ZoetropeError `model-format` for what is missing, malformed, senseless or not supported. */
export function parseUmt5Config(json: unknown, file = 'text_encoder/config.json'): Umt5Config {
  const fields = new Fields(json, file);
  fields.only('model_type', 'umt5');
  fields.only('feed_forward_proj', 'gated-gelu');
  fields.only('dense_act_fn', 'gelu_new');
  const buckets = fields.integer('relative_attention_num_buckets', BUCKETS, 32);
  const distance = fields.integer('relative_attention_max_distance', DISTANCE, 128);
  // Distances below a quarter of the buckets have one each; the rest share the logarithm of what is above.
  if (distance <= Math.floor(buckets / 4)) {
    const exact = `the first ${Math.floor(buckets / 4)} distances have a bucket each.`;
    throw fields.error('relative_attention_max_distance', `too little: ${exact}`);
  }
  return {
    vocabSize: fields.integer('vocab_size', VOCABULARY),
    dModel: fields.integer('d_model', WIDTH),
    dKv: fields.integer('d_kv', WIDTH),
    dFf: fields.integer('d_ff', WIDTH),
    numLayers: fields.integer('num_layers', COUNT),
    numHeads: fields.integer('num_heads', WIDTH),
    relativeAttentionNumBuckets: buckets,
    relativeAttentionMaxDistance: distance,
    layerNormEpsilon: fields.number('layer_norm_epsilon', EPSILON, 1e-6),
  };
}
