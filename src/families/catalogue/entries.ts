/**
 * @file The models that the page offers. Facts were looked up on 2026-11-21: model cards, repositories and logs of programs
 * that load them. What could not be confirmed is left out, or said to be so.
 */
import type { ClipMeasure, FastDecoderPart, Licence, ModelEntry, Verified } from './model-entry.ts';

const APACHE: Licence = {
  name: 'Apache-2.0',
  url: 'https://www.apache.org/licenses/LICENSE-2.0',
};

const NEVER_RUN: Verified = {
  isExactOnRandomWeights: true,
  isRehearsedAtScale: false,
  isRunAsPublished: false,
};

/** As its author publishes it beside the `.pth` files; decoder and encoder in one file. */
const TAEW2_1: FastDecoderPart = {
  what: 'fast decoder (TAEHV)',
  architecture: 'taew2_1',
  source:
    'https://raw.githubusercontent.com/madebyollin/taehv/main/safetensors/taew2_1.safetensors',
  licence: { name: 'MIT', url: 'https://github.com/madebyollin/taehv/blob/main/LICENSE' },
  // Half floats more likely, but nobody here has read the file.
  dtype: 'F32',
  verified: NEVER_RUN,
};

/** 480p as Wan is trained on, then what less memory makes; below 480 lines a Wan is off its training. */
const SIZES_480P: readonly [ClipMeasure, ...ClipMeasure[]] = [
  { width: 832, height: 480, numFrames: 81 },
  { width: 832, height: 480, numFrames: 33 },
  { width: 480, height: 272, numFrames: 33 },
  { width: 320, height: 192, numFrames: 17 },
];

const WAN_GENERATE = { frameRate: 16, maxSequenceLength: 512 } as const;

const WAN_1_3B = {
  source: 'Wan-AI/Wan2.1-T2V-1.3B-Diffusers',
  revision: '0fad780a534b6463e45facd96134c9f345acfa5b',
  family: 'wan',
  architecture: 'wan-1.3b',
  licence: APACHE,
  // 22.7 GB of text encoder in five shards, and a repository of 29 GB.
  dtypes: { text_encoder: 'F32', transformer: 'F32', vae: 'F32' },
  unconfirmedDtypes: [],
  fastDecoder: TAEW2_1,
  sizes: SIZES_480P,
} as const;

export const CATALOGUE: readonly ModelEntry[] = [
  {
    id: 'pocket',
    title: 'Pocket',
    summary: 'bundled: small things that move',
    source: './models/pocket',
    family: 'wan',
    architecture: 'pocket',
    licence: APACHE,
    dtypes: { text_encoder: 'F16', transformer: 'F16', vae: 'F16' },
    unconfirmedDtypes: [],
    load: { storage: false },
    extras: [],
    generate: {
      numInferenceSteps: 4,
      guidanceScale: 1,
      frameRate: 8,
      maxSequenceLength: 64,
    },
    sizes: [{ width: 96, height: 96, numFrames: 25 }],
    verified: { isExactOnRandomWeights: true, isRehearsedAtScale: true, isRunAsPublished: true },
    notes: [
      'Trained on drawn clips, and distilled to four steps: it is there to try the page with.',
    ],
  },
  {
    id: 'wan2.1-t2v-1.3b',
    title: 'Wan 2.1 1.3B',
    summary: 'the small Wan',
    ...WAN_1_3B,
    load: { storage: true },
    extras: [],
    generate: { ...WAN_GENERATE, numInferenceSteps: 50, guidanceScale: 5, flowShift: 3 },
    verified: { ...NEVER_RUN, isRehearsedAtScale: true },
    notes: ['Published in float32: it is converted while it is fetched.'],
  },
  {
    id: 'wan2.1-t2v-1.3b-self-forcing',
    title: 'Wan 2.1 1.3B, 4 steps',
    summary: 'the small Wan with a Self-Forcing LoRA',
    ...WAN_1_3B,
    load: {
      storage: true,
      loras: [
        {
          source:
            'Kijai/WanVideo_comfy/LoRAs/Wan2_1_self_forcing_1_3B/Wan2_1_self_forcing_dmd_1_3B_lora_rank_32_fp16.safetensors',
          scale: 1,
        },
      ],
    },
    extras: [
      {
        what: 'LoRA (Self-Forcing DMD, rank 32)',
        source:
          'Kijai/WanVideo_comfy/LoRAs/Wan2_1_self_forcing_1_3B/Wan2_1_self_forcing_dmd_1_3B_lora_rank_32_fp16.safetensors',
        bytes: 91_233_416,
        licence: {
          name: 'CC-BY-NC-SA-4.0',
          url: 'https://huggingface.co/gdhe17/Self-Forcing',
          note: 'of the model that it was extracted from, whose card has said Apache-2.0 too: read it before any commercial use',
        },
      },
    ],
    generate: {
      ...WAN_GENERATE,
      numInferenceSteps: 4,
      guidanceScale: 1,
      scheduler: 'FlowMatchLCMScheduler',
      sigmas: [1, 0.75, 0.5, 0.25],
      flowShift: 5,
    },
    verified: NEVER_RUN,
    notes: ['Trained frame by frame; used here over the whole clip at once, as others use it too.'],
  },
  {
    id: 'fastwan2.1-t2v-1.3b',
    title: 'FastWan 2.1 1.3B',
    summary: 'the small Wan, distilled by FastVideo',
    source: 'FastVideo/FastWan2.1-T2V-1.3B-Diffusers',
    family: 'wan',
    architecture: 'wan-1.3b',
    licence: APACHE,
    dtypes: { text_encoder: 'F32', transformer: 'F32', vae: 'F32' },
    unconfirmedDtypes: ['text_encoder', 'transformer', 'vae'],
    load: { storage: true },
    fastDecoder: TAEW2_1,
    extras: [],
    generate: {
      ...WAN_GENERATE,
      numInferenceSteps: 3,
      guidanceScale: 1,
      scheduler: 'FlowMatchLCMScheduler',
      // Taken from a schedule that was shifted already: docs/few-step.md has the sources.
      flowShift: 1,
      timesteps: [1000, 757, 522],
      sigmas: [1, 0.75675676, 0.52173913],
    },
    sizes: [{ width: 832, height: 448, numFrames: 61 }, ...SIZES_480P.slice(1)],
    verified: NEVER_RUN,
    notes: [
      'Trained with sparse attention and gates for it; here attention is full, and the gates are left out.',
    ],
  },
  {
    id: 'wan2.1-t2v-14b',
    title: 'Wan 2.1 14B',
    summary: 'the large Wan',
    source: 'Wan-AI/Wan2.1-T2V-14B-Diffusers',
    revision: '38ec498cb3208fb688890f8cc7e94ede2cbd7f68',
    family: 'wan',
    architecture: 'wan-14b',
    licence: APACHE,
    // The transformer's twelve shards are float32; of the others only the most that they may be is known.
    dtypes: { text_encoder: 'F32', transformer: 'F32', vae: 'F32' },
    unconfirmedDtypes: ['text_encoder', 'vae'],
    load: { storage: true },
    fastDecoder: TAEW2_1,
    extras: [],
    generate: { ...WAN_GENERATE, numInferenceSteps: 50, guidanceScale: 5, flowShift: 3 },
    sizes: SIZES_480P,
    verified: NEVER_RUN,
    notes: ['Published in float32, 57 GB of transformer alone: for fast lines and large disks.'],
  },
];

/** The entry with this id, or of this source. */
export function findModel(name: string): ModelEntry | undefined {
  return CATALOGUE.find(({ id }) => id === name) ?? CATALOGUE.find(({ source }) => source === name);
}
