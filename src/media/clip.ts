/** @file What a clip is made of: frames, the parameters that made them, and the files that it can become. */
import type { Seed } from '../seed.mjs';

/** Element type of the linear layers' arithmetic. `auto`: float16 where the adapter has `shader-f16`. */
export type ComputeDtype = 'float32' | 'float16';

/** Every option settled: what the run really used, and what is written into files. */
export interface GenerationParameters {
  readonly model: string;
  /** Empty if embeddings were given in its place; so is the next. */
  readonly prompt: string;
  readonly negativePrompt: string;
  /** Where embeddings were given, which are not recorded. */
  readonly promptEmbeds?: 'given';
  readonly negativePromptEmbeds?: 'given';
  readonly height: number;
  readonly width: number;
  readonly numFrames: number;
  readonly numInferenceSteps: number;
  readonly guidanceScale: number;
  /** A BigInt where a number does not hold every digit; `JSON.stringify` then wants a replacer. */
  readonly seed: Seed;
  readonly maxSequenceLength: number;
  readonly frameRate: number;
  readonly scheduler: string;
  /** Absent: the checkpoint's own. */
  readonly flowShift?: number;
  /** Absent: they follow from `numInferenceSteps`. */
  readonly timesteps?: readonly number[];
  /** As they were given: not shifted. */
  readonly sigmas?: readonly number[];
  /** Absent: 1. */
  readonly initNoiseSigma?: number;
  /** Absent: the checkpoint's own decoder. */
  readonly decode?: 'fast';
  readonly device: 'webgpu' | 'wasm';
  readonly dtype: ComputeDtype;
}

/** Decoded pictures: `count` frames of `height × width` RGBA, 8 bits a channel, row-major, top row first. */
export interface FrameGroup {
  /** Index of the first frame in the clip. */
  readonly firstFrame: number;
  readonly count: number;
  readonly width: number;
  readonly height: number;
  readonly rgba: Uint8ClampedArray<ArrayBuffer>;
}

export type Container = 'mp4' | 'webm' | 'gif' | 'png';
export type VideoCodecName = 'avc' | 'vp8' | 'vp9' | 'av1';

/** What the user should know of a file that was written, or of one that could not be. */
export interface EncodingNotice {
  /**
   * `codec-changed`: the container's first codec cannot be encoded here, so the file has another. `not-encoded`: no file
   * was written; the clip is there.
   */
  readonly code: 'codec-changed' | 'not-encoded';
  readonly message: string;
}
