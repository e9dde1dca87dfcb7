/** @file Options of loading a model, and of reading its headers. */
import type { ComponentName } from '../../families/family.ts';
import type { ComputeDtype } from '../../media/clip.ts';
import type { DeviceChoice } from '../../runtime/device.ts';
import type { ModelReference } from '../../weights/open-source.ts';
import type { ClipRequest } from './generate-options.ts';
import type { Progress } from './progress.ts';

/**
 * A LoRA: a `.safetensors` file in the naming of diffusers, peft, Wan or kohya, or a folder with one. One for image-to-video
 * is merged as far as it fits, with a notice (`tensors-ignored`).
 */
export interface LoraReference {
  readonly source: ModelReference;
  /** What it is multiplied by: −100 … 100. Default 1: as it was trained. */
  readonly scale?: number;
}

/** What a model is put together from, besides its own files. */
export interface ModelParts {
  /**
   * A small decoder for `decode: 'fast'` and for previews: the address of a TAEHV file in safetensors format
   * (`taew2_1.safetensors` for Wan 2.1), or of a folder that has it under its published name. Absent: none.
   */
  fastDecoder?: ModelReference;
  /**
   * In the place of the model's own transformer, a distilled one, say: a folder with `config.json`, in diffusers' layout or
   * Wan's own; a whole model in diffusers' layout, of which only the transformer is used; or one `.safetensors` file.
   */
  transformer?: ModelReference;
  /** Another text encoder in the place of the model's own, likewise. Its tokenizer stays. */
  textEncoderFrom?: ModelReference;
  /** In the place of the model's own, likewise. */
  vae?: ModelReference;
  /** Merged into the transformer's weights while they are fetched, before they are converted. Several add up. */
  loras?: readonly LoraReference[];
}

export interface LoadOptions extends ModelParts {
  device?: DeviceChoice;
  dtype?: ComputeDtype | 'auto';
  /** `auto` (the default) settles everything from what the device and the machine report. */
  memory?: 'auto' | MemoryOptions;
  /**
   * Keeps the checkpoint in the browser's storage: a later load fetches nothing, and weights are read from there when a
   * stage needs them instead of being held in RAM. What is damaged or missing there is fetched again, with a notice
   * (`stored-again`). Fails with `storage-full` when a write finds no more room: what is stored by then is kept, and
   * loading again resumes there. No estimate of room is asked beforehand. Fails with `storage-unavailable` where the
   * storage cannot be used now, and with `storage-lost` if it is cleared while it is in use: load the model again then.
   * Default false.
   */
  storage?: boolean;
  /** Branch, tag or commit, where the model is a repository of the hub. Default: the repository's default branch. */
  revision?: string;
  /**
   * Access token of the hub, for gated and private repositories. Held in memory, sent to the hub and nobody else.
   */
  token?: string;
  /** Another hub than huggingface.co that speaks its protocol: a mirror, say. */
  hubUrl?: string;
  /**
   * False: the text encoder, most of what a large model weighs, is neither fetched nor planned for, and `generate` wants
   * `promptEmbeds` in the place of prompts. Default true.
   */
  textEncoder?: boolean;
  /**
   * A clip that will be made. All of it is checked as `generate` would: what no model can do before anything is fetched,
   * what this model cannot do once its configuration is read, before its weights are fetched.
   */
  clip?: ClipRequest;
  onProgress?: (progress: Progress) => void;
  signal?: AbortSignal;
  /**
   * Stops loading as `signal` does, but by a `DownloadPaused`, which says how much is stored and how much is left. Loading
   * again fetches only what is left. Needs `storage`.
   */
  pause?: AbortSignal;
}

/**
 * How linear layers' weights are kept, off the device and on it. `q8` and `q4` are blockwise; norms, biases, embeddings and
 * the first and last layers stay floats. `f16` computes in float32 where the device has no float16.
 */
export type WeightsFormat = 'f32' | 'f16' | 'q8' | 'q4';

/** A format for each component. The decoder has nothing to quantize. */
export type ComponentFormats = Readonly<Record<ComponentName, WeightsFormat>>;

export interface MemoryOptions {
  /**
   * Bytes on the device, for everything. Weights that do not fit beside the rest are streamed in while others compute.
   * Absent: no limit but the device's.
   */
  budgetBytes?: number;
  /** One for all, or some components' own. Absent: f16 or f32, as `dtype` says. */
  weights?: WeightsFormat | Partial<ComponentFormats>;
  /** Bytes of RAM for weights that are read from storage again and again. Needs `storage`. Absent: none. */
  ramBytes?: number;
  /** Whether both passes of guidance hold their activations at once. Absent: batched, unless only the other fits. */
  guidance?: 'batched' | 'sequential';
  /** Pixels a side of a decoder tile. Absent: whole frames, unless only tiles fit. */
  tile?: number;
}

/** What reading a checkpoint's headers depends on. */
export type InspectOptions = Pick<
  LoadOptions,
  keyof ModelParts | 'revision' | 'token' | 'hubUrl' | 'signal'
>;
