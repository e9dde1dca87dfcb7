/** @file Options of making a clip, and of what it is written as. */
import type { Container, FrameGroup, VideoCodecName } from '../../media/clip.ts';
import type { SchedulerName } from '../../schedulers/scheduler.ts';
import type { Seed } from '../../seed.mjs';
import type { Progress } from './progress.ts';

export interface GenerateOptions {
  /**
   * Needed, unless there are `promptEmbeds`; an empty one is encoded too, as in diffusers. Cleaned before it becomes
   * tokens, as diffusers does with `ftfy`, like `negativePrompt`; reports and files have it as it was given.
   */
  prompt?: string;
  negativePrompt?: string;
  /**
   * In the place of `prompt`: `[n, textDim]`, as `encodePrompt` gives them, of at most `maxSequenceLength` tokens; zeros
   * follow.
   */
  promptEmbeds?: Float32Array;
  /** In the place of `negativePrompt`, likewise. */
  negativePromptEmbeds?: Float32Array;
  /** Pixels. */
  height?: number;
  /** Pixels. */
  width?: number;
  numFrames?: number;
  /** As many as there are `timesteps` or `sigmas`, where those are given. */
  numInferenceSteps?: number;
  /**
   * The times at which the model is asked, in its own units (1000 is pure noise): descending, above 0, at most 1000. As
   * diffusers' `set_timesteps` takes them: fed to the model as they are, while the sigmas that follow from them
   * (timestep / 1000) are shifted; `flowShift: 1` or `sigmas` of your own keep the two together. Not for UniPC.
   */
  timesteps?: readonly number[];
  /**
   * The share of noise before each step, before it is shifted: descending, above 0, at most 1. Without `timesteps`, the
   * timesteps are those of the shifted sigmas.
   */
  sigmas?: readonly number[];
  /** What the initial noise is multiplied with. Default 1; models distilled as rCM start from their first sigma. */
  initNoiseSigma?: number;
  /** 1 switches classifier-free guidance off. */
  guidanceScale?: number;
  /**
   * −2^63 … 2^64 − 1, as `torch.Generator('cpu').manual_seed(seed)` takes it; the generator uses its low 32 bits, so −1 and
   * 2^64 − 1 make the same noise. A BigInt beyond ±(2^53 − 1), where a number loses digits. Random when absent.
   */
  seed?: Seed;
  /** Tokens, the end token included. */
  maxSequenceLength?: number;
  /** Frames a second in the file and the player. */
  frameRate?: number;
  /** In the place of the checkpoint's own sampler. */
  scheduler?: SchedulerName;
  /** Replaces the checkpoint's own shift of the noise schedule towards noise: 0.01 … 100. */
  flowShift?: number;
  /** `fast` decodes by the small decoder of `LoadOptions.fastDecoder`: sooner, in less memory, a little less sharp. Default `full`. */
  decode?: 'full' | 'fast';
  onProgress?: (progress: Progress) => void;
  /** Each group of frames as soon as it is decoded, in order; a promise holds the run until it is settled. */
  onFrames?: (frames: FrameGroup) => void | Promise<void>;
  /**
   * Encodes the clip while it is decoded, each group of frames as it is made; see `VideoResult.encoded`. A few
   * frames are tried first: what cannot be encoded rejects before the run. An encoder that fails later does not cost the clip.
   */
  encode?: Pick<EncodeOptions, 'container' | 'codec' | 'scale'>;
  onStepEnd?: (step: { step: number; timestep: number; totalSteps: number }) => void;
  /**
   * Small pictures of what the clip is becoming, after every step, or after every few where a preview takes long beside
   * a step: one picture for each latent frame, of the moment at its end (of Wan, of frames 0, 4, 8, …). Never called for
   * a model that has neither a fast decoder nor known colours of its latents. The clip is the same with and without it.
   */
  onPreview?: (frames: FrameGroup) => void | Promise<void>;
  /**
   * Cancels with an `AbortError`, within a stage. A worker that does not answer for about ten seconds is ended: the error
   * is a `WorkerEnded` then, `isLost` is true, and the model has to be loaded again.
   */
  signal?: AbortSignal;
}

/** A clip that will be made: all that is known of it before a model is loaded. */
export type ClipRequest = Omit<
  GenerateOptions,
  'onProgress' | 'onFrames' | 'onStepEnd' | 'onPreview' | 'signal'
>;

/** What a clip's memory depends on; absent: the checkpoint's defaults. */
export type ClipSize = Pick<
  GenerateOptions,
  'width' | 'height' | 'numFrames' | 'guidanceScale' | 'maxSequenceLength' | 'decode'
>;

export interface EncodeOptions {
  container: Container;
  /**
   * Default: the first of the container that the browser can encode; where one fails, the next one starts from the first
   * frame, with a notice. One that is named is never replaced: encoding rejects with `feature-missing` and says what works.
   */
  codec?: VideoCodecName;
  /** Repeats each pixel, so that small clips are not blurred by a player. Default 1. */
  scale?: number;
  onProgress?: (progress: Progress) => void;
  signal?: AbortSignal;
}

export interface EncodePromptOptions {
  /** Tokens, the end token included. */
  maxSequenceLength?: number;
  signal?: AbortSignal;
}
