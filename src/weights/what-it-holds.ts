/**
 * @file What the tensors of a safetensors file belong to, by their names: for messages about a file that was given in the
 * place of another.
 */

export type HeldKind =
  'lora' | 'everything' | 'transformer' | 'vae' | 'text_encoder' | 'fast_decoder';

export interface Held {
  readonly kind: HeldKind;
  /** Follows “is”: “a LoRA for Flux”. */
  readonly what: string;
  /** Whether it is of the family that is supported. */
  readonly isWan: boolean;
}

const LORA_TENSOR =
  /(\.|_)(lora_(A|B|down|up|mid)|lora\.(down|up)|lora_magnitude_vector|dora_scale|hada_w\d|lokr_w\d|oft_blocks)(?![a-z])|\.diff(_b|_m)?$/;

/** Families, by names of their transformers' modules; the first that matches. Flat names have `_` for every dot. */
const FAMILIES: readonly (readonly [RegExp, string])[] = [
  [/double_blocks[._]\d+[._]img_attn_qkv|single_transformer_blocks[._](38|39)\b/, 'HunyuanVideo'],
  [/token_refiner/, 'HunyuanVideo'],
  [/(double_blocks|single_blocks)[._]\d+[._]/, 'Flux'],
  [/single_transformer_blocks[._]\d+/, 'Flux or HunyuanVideo'],
  [/joint_blocks[._]\d+/, 'Stable Diffusion 3'],
  [/transformer_blocks[._]\d+[._](img|txt)_(mod|mlp)/, 'Qwen-Image'],
  [
    /(^|[._])(input_blocks|output_blocks|middle_block|down_blocks|up_blocks|mid_block)[._]/,
    'Stable Diffusion',
  ],
  [/patchify_proj|adaln_single/, 'LTX-Video'],
  [/transformer_blocks[._]\d+[._](attn2|ff[._]net)/, 'LTX-Video'],
  [/transformer_blocks[._]\d+[._]attn1/, 'CogVideoX'],
  [/adaln_modulation|(^|\.)blocks\.\d+\.self_attn\.q_proj/, 'Cosmos'],
];

const WAN =
  /((^|\.)blocks\.\d+\.|^lora_(unet|transformer)__?blocks_\d+_)(self_attn|cross_attn|attn1|attn2|ffn[._](0|2|net))[._]/;

/** One of these is in every whole transformer of a Wan. */
const WAN_WEIGHT = /(^|\.)(patch_embedding|blocks\.0\.(self_attn\.q|attn1\.to_q))\.weight$/;

/** Tensors that only another kind of Wan has. */
const WAN_KINDS: readonly (readonly [RegExp, string])[] = [
  [/(^|\.)vace_/, 'Wan VACE'],
  [/(^|\.)(motion_encoder|face_adapter|pose_patch_embedding)/, 'Wan Animate'],
  [
    /\.(k_img|v_img|add_k_proj|add_v_proj)\.|(^|\.)(img_emb|condition_embedder\.image_embedder)\./,
    'Wan image-to-video',
  ],
];

/** Prefixes in a file with everything in it: as ComfyUI, and trainers before it, name the parts that are not the transformer. */
const OTHER_PARTS = /^(text_encoders|cond_stage_model|conditioner|first_stage_model|vae)\./;
const DENOISER = /^(model\.diffusion_model|diffusion_model)\.|^patch_embedding\.|^blocks\.\d+\./;

/** By tensors that a part has, in whichever layout. */
const PARTS: readonly (readonly [RegExp, HeldKind, string, isWan: boolean])[] = [
  [
    /^(model\.)?decoder\.(head\.2|middle\.1\.to_qkv)\.weight$/,
    'vae',
    'the decoder (VAE) of a Wan',
    true,
  ],
  [
    /^(token_embedding\.weight|blocks\.\d+\.attn\.q\.weight)$/,
    'text_encoder',
    'umT5, the text encoder of Wan',
    true,
  ],
  [
    /^encoder\.block\.0\.layer\.0\.SelfAttention\.q\.weight$/,
    'text_encoder',
    'a T5 text encoder',
    true,
  ],
  [/^decoder\.(up_blocks\.0\.resnets|up\.0\.block)\.0\./, 'vae', 'a decoder (VAE)', true],
  [
    /^(encoder|decoder)\.\d+\.(conv\.\d+\.)?weight$/,
    'fast_decoder',
    'a fast decoder (TAEHV)',
    true,
  ],
  [/^(text_model\.encoder|transformer\.resblocks)\./, 'text_encoder', 'a CLIP text encoder', false],
  [
    /^(model\.)?layers\.0\.self_attn\.(q_proj|qkv_proj)\./,
    'text_encoder',
    'a language model',
    false,
  ],
];

/** @returns Undefined for what is not known. */
export function whatItHolds(tensors: Iterable<string>): Held | undefined {
  const names = [...tensors];
  const has = (pattern: RegExp): boolean => names.some((name) => pattern.test(name));
  if (names.length === 0) return undefined;
  const loraTensors = names.filter((name) => LORA_TENSOR.test(name)).length;
  if (2 * loraTensors >= names.length || (loraTensors > 0 && has(/\.alpha$/))) return heldLora(has);
  if (has(OTHER_PARTS) && has(DENOISER)) {
    const family = familyOf(has);
    return {
      kind: 'everything',
      what: `a whole ${family ?? 'model'} in one file: transformer, text encoder and decoder together`,
      isWan: family === undefined || family.startsWith('Wan'),
    };
  }
  if (has(WAN_WEIGHT)) {
    const kind = wanKind(has);
    const what = `the transformer of a ${kind ?? 'Wan'}`;
    return { kind: 'transformer', what, isWan: kind === undefined };
  }
  for (const [pattern, kind, what, isWan] of PARTS) if (has(pattern)) return { kind, what, isWan };
  const family = FAMILIES.find(([pattern]) => has(pattern))?.[1];
  if (family === undefined) return undefined;
  return { kind: 'transformer', what: `of another model, ${family}`, isWan: false };
}

type Has = (pattern: RegExp) => boolean;

function heldLora(has: Has): Held {
  const family = has(WAN) ? undefined : FAMILIES.find(([pattern]) => has(pattern))?.[1];
  if (family !== undefined) return { kind: 'lora', what: `a LoRA for ${family}`, isWan: false };
  const isWan = has(WAN);
  return { kind: 'lora', what: isWan ? 'a LoRA for Wan' : 'a LoRA', isWan };
}

function wanKind(has: Has): string | undefined {
  return WAN_KINDS.find(([pattern]) => has(pattern))?.[1];
}

function familyOf(has: Has): string | undefined {
  if (has(WAN)) return wanKind(has) ?? 'Wan';
  return FAMILIES.find(([pattern]) => has(pattern))?.[1];
}

/** Where a file of a kind belongs: in the library, on the command line, and on the page. */
const PLACES: Readonly<Record<Exclude<HeldKind, 'everything'>, string>> = {
  lora: 'as a LoRA (loras in the library, --lora, the LoRA field of the page)',
  transformer: 'as the transformer (transformer in the library, --transformer, the page’s field)',
  vae: 'as the decoder (vae in the library, --vae, the page’s field)',
  text_encoder:
    'as the text encoder (textEncoderFrom in the library, --text-encoder, the page’s field)',
  fast_decoder: 'as the fast decoder (fastDecoder in the library, --fast-decoder)',
};

const MODEL = 'a model in diffusers’ layout, such as Wan-AI/Wan2.1-T2V-1.3B-Diffusers';

/** What to do with a file that was given in the wrong place. */
export function placeFor({ kind, isWan }: Held): string {
  if (!isWan)
    return 'Only Wan text-to-video models are supported: choose a file that belongs to one.';
  if (kind === 'everything') {
    return `Files with everything in one are not supported: load ${MODEL}, or give the parts as files of their own.`;
  }
  return `Give it ${PLACES[kind]}, together with ${MODEL}.`;
}
