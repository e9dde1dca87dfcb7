/**
 * @file The public interface of a video pipeline: the same on the page's side of the worker boundary and inside it.
 * Names are diffusers' parameter names in camelCase.
 */

import type {
  CheckpointNotice,
  ComponentName,
  ComponentSummary,
  GenerationDefaults,
  LoraSummary,
  PartName,
  SizeConstraints,
} from '../families/family.ts';
import type {
  ComputeDtype,
  Container,
  FrameGroup,
  GenerationParameters,
  VideoCodecName,
} from '../media/clip.ts';
import type { SchedulerName } from '../schedulers/scheduler.ts';
import type { TensorKind } from '../runtime/backend.ts';
import type { DeviceChoice, DeviceReport } from '../runtime/device.ts';
import type { FolderFiles, ModelReference } from '../weights/open-source.ts';

export type {
  CheckpointNotice,
  ComponentName,
  ComponentSummary,
  ComputeDtype,
  Container,
  DeviceChoice,
  DeviceReport,
  FolderFiles,
  FrameGroup,
  GenerationDefaults,
  GenerationParameters,
  LoraSummary,
  ModelReference,
  PartName,
  SchedulerName,
  SizeConstraints,
  VideoCodecName,
};

/** A LoRA: a `.safetensors` file in the naming of diffusers, peft, Wan or kohya, or a folder with one. */
export interface LoraReference {
  readonly source: ModelReference;
  /** What it is multiplied by, any finite number. Default 1: as it was trained. */
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
   * stage needs them instead of being held in RAM. Default false.
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
  /** A clip that will be made: if it cannot be, loading is refused before anything is fetched. */
  clip?: ClipSize;
  onProgress?: (progress: Progress) => void;
  signal?: AbortSignal;
  /**
   * Stops loading as `signal` does, but by a `DownloadPaused`, which says how much is left. Loading again goes on with
   * what is stored. Needs `storage`.
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

/** One phase of a run on the device, as predicted. */
export interface PhaseMemory {
  /** `fast_decoder` in the place of `vae` for `decode: 'fast'`. */
  readonly name: PartName;
  readonly weights: WeightsFormat;
  /** Of all stages. */
  readonly weightBytes: number;
  /** On the device at once: what stays, and the ring through which the rest passes. */
  readonly residentWeightBytes: number;
  /** Activations, intermediates, and small change. */
  readonly workingSetBytes: number;
  readonly predictedPeakBytes: number;
  readonly stages: number;
  /** Of `stages`, those that pass through the ring. */
  readonly streamedStages: number;
  /** Operations: of one prompt; of one step for one prompt; of the whole decode. */
  readonly flops: number;
}

/** What a clip will take, told before anything is fetched. */
export interface MemoryPlan {
  /** Everything stays on the device; or weights are streamed, or frames decoded in tiles; or it cannot be done. */
  readonly outcome: 'resident' | 'streamed' | 'too-large';
  /** Why, in a sentence for the user. */
  readonly reason: string;
  /** The transformer's. */
  readonly weights: WeightsFormat;
  readonly formats: ComponentFormats;
  readonly guidance: 'batched' | 'sequential';
  /** Pixels a side; absent if frames are decoded whole. */
  readonly tile?: number;
  readonly budgetBytes?: number;
  /** Of the phases; empty and 0 if the clip is too large. */
  readonly phases: readonly PhaseMemory[];
  readonly predictedPeakBytes: number;
  /** Of the denoising's: for previews, if they were asked for and fit; absent if they are not decoded. */
  readonly previewBytes?: number;
  readonly downloadBytes: number;
  /** Of the weights in RAM or in the browser's storage, in the formats above. */
  readonly storedBytes: number;
  /** The least budget that would do, if it is too large. */
  readonly leastBudgetBytes?: number;
}

/**
 * `well`: everything stays on the device. `streamed`: weights pass through it. `slow`, `impractical`: only a CPU or a
 * software adapter computes here, and it takes minutes, or more than a night.
 */
export type VerdictLevel = 'well' | 'streamed' | 'slow' | 'impractical' | 'does-not-fit';

export interface AssessOptions {
  device?: DeviceChoice;
  /** Whether the model is in the browser's storage already. */
  isStored?: boolean;
}

/** What to expect of a model of the catalogue on this machine. */
export interface Verdict {
  /** Its id. */
  readonly model: string;
  readonly level: VerdictLevel;
  /** Why, in sentences for the user. */
  readonly reason: string;
  /** What reading its files would tell, from what the catalogue knows. */
  readonly checkpoint: CheckpointReport;
  /** The largest of the model's sizes that fits; the smallest, if none does. */
  readonly size: Required<Pick<ClipSize, 'width' | 'height' | 'numFrames'>>;
  /** For that size. */
  readonly plan: MemoryPlan;
  /** To load it with; absent: `auto` is right. */
  readonly memory?: MemoryOptions;
  /** Of storage, that it does not fit by. */
  readonly missingBytes?: number;
  /** Operations of a clip. */
  readonly flops?: number;
  /** For a clip, in order of magnitude; absent for GPUs, which differ too much. */
  readonly seconds?: number;
}

/** What a clip's memory depends on; absent: the checkpoint's defaults. */
export type ClipSize = Pick<
  GenerateOptions,
  'width' | 'height' | 'numFrames' | 'guidanceScale' | 'maxSequenceLength' | 'decode'
>;

/** What reading a checkpoint's headers depends on. */
export type InspectOptions = Pick<
  LoadOptions,
  keyof ModelParts | 'revision' | 'token' | 'hubUrl' | 'signal'
>;

/** What a plan depends on besides the checkpoint. */
export type PlanOptions = Pick<LoadOptions, 'device' | 'dtype' | 'memory' | 'textEncoder'> &
  InspectOptions &
  ClipSize & {
    /** Whether there will be an `onPreview`. */
    preview?: boolean;
  };

/** What `inspect` learns of a checkpoint from its JSON files and safetensors headers alone. */
export interface CheckpointReport {
  readonly source: string;
  /** diffusers' `_class_name` in `model_index.json`. */
  readonly pipelineClass: string;
  readonly scheduler: string;
  /** Bytes that loading will fetch, all components. */
  readonly downloadBytes: number;
  readonly components: readonly ComponentSummary[];
  readonly defaults: GenerationDefaults;
  readonly constraints: SizeConstraints;
  /** Merged into the transformer. */
  readonly loras: readonly LoraSummary[];
  /** What the user should know of the files. */
  readonly notices: readonly CheckpointNotice[];
  /** How `onPreview` gets its pictures: by the fast decoder, by a linear function of the latents, or not at all. */
  readonly previews: 'decoded' | 'linear' | 'none';
}

export interface GenerateOptions {
  /** Needed, unless there are `promptEmbeds`. */
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
  /** 0 … 2^53 − 1, as `torch.Generator('cpu').manual_seed(seed)`; random when absent. */
  seed?: number;
  /** Tokens, the end token included. */
  maxSequenceLength?: number;
  /** Frames a second in the file and the player. */
  frameRate?: number;
  /** In the place of the checkpoint's own sampler. */
  scheduler?: SchedulerName;
  /** In the place of the checkpoint's own shift of the noise schedule towards noise. */
  flowShift?: number;
  /** `fast` decodes by the small decoder of `LoadOptions.fastDecoder`: sooner, in less memory, a little less sharp. Default `full`. */
  decode?: 'full' | 'fast';
  onProgress?: (progress: Progress) => void;
  /** Each group of frames as soon as it is decoded, in order; a promise holds the run until it is settled. */
  onFrames?: (frames: FrameGroup) => void | Promise<void>;
  /** Encodes the clip while it is decoded, each group of frames as it is made; see `VideoResult.encoded`. */
  encode?: Pick<EncodeOptions, 'container' | 'codec' | 'scale'>;
  onStepEnd?: (step: { step: number; timestep: number; totalSteps: number }) => void;
  /**
   * Small pictures of what the clip is becoming, after every step, or after every few where a preview takes long beside
   * a step: one picture for each latent frame, of the moment at its end (of Wan, of frames 0, 4, 8, …). Never called for
   * a model that has neither a fast decoder nor known colours of its latents. The clip is the same with and without it.
   */
  onPreview?: (frames: FrameGroup) => void | Promise<void>;
  signal?: AbortSignal;
}

export type MemoryKind = TensorKind | 'onnxruntime';

/** Bytes. On wasm the ledger counts tensors in the wasm heap's stead. */
export interface MemoryReading {
  readonly liveBytes: number;
  readonly peakBytes: number;
  /** Live bytes by what they are for; `onnxruntime` is what it allocates for itself. */
  readonly byKind: Readonly<Partial<Record<MemoryKind, number>>>;
  /** Weights held in RAM. */
  readonly ramBytes: number;
  /** Weights written to the device since the run began. */
  readonly streamedBytes: number;
}

interface ProgressBase {
  /** 0–1 within this stage. */
  readonly fraction: number;
  readonly memory: MemoryReading;
  /** Seconds until the whole call ends, once it can be told. */
  readonly etaSeconds?: number;
}

export type Progress =
  | (ProgressBase & {
      readonly type: 'download';
      readonly file: string;
      readonly loadedBytes: number;
      readonly totalBytes: number;
      /** Over the network, in the last seconds, once it can be told. `etaSeconds` is then that of the download. */
      readonly bytesPerSecond?: number;
    })
  | (ProgressBase & { readonly type: 'compile'; readonly stage: string })
  | (ProgressBase & { readonly type: 'encode-prompt' })
  | (ProgressBase & {
      readonly type: 'denoise';
      readonly step: number;
      readonly totalSteps: number;
    })
  | (ProgressBase & {
      readonly type: 'decode';
      readonly frame: number;
      readonly totalFrames: number;
    })
  | (ProgressBase & {
      readonly type: 'encode';
      readonly frame: number;
      readonly totalFrames: number;
    });

/** Something that the user should read but that does not stop the run. */
export interface Notice {
  readonly code:
    | CheckpointNotice['code']
    | 'prompt-truncated'
    | 'software-device'
    | 'no-webgpu'
    | 'no-shader-f16'
    | 'storage-unavailable'
    | 'no-preview';
  readonly message: string;
}

export interface EncodeOptions {
  container: Container;
  /** Default: the first that the container and the browser can do. */
  codec?: VideoCodecName;
  /** Repeats each pixel, so that small clips are not blurred by a player. Default 1. */
  scale?: number;
  onProgress?: (progress: Progress) => void;
  signal?: AbortSignal;
}

export interface EncodedVideo {
  /** One file, or one PNG a frame for `png`. */
  readonly files: readonly { readonly name: string; readonly blob: Blob }[];
  /** The codec really used: a codec name, `gif` or `png`. */
  readonly codec: string;
  readonly container: Container;
}

/** Wall seconds by phase. */
export interface PhaseSeconds {
  readonly load: number;
  readonly encodePrompt: number;
  readonly denoise: number;
  readonly decode: number;
  readonly total: number;
}

export interface VideoResult {
  readonly parameters: GenerationParameters;
  readonly notices: readonly Notice[];
  readonly seconds: PhaseSeconds;
  readonly memory: MemoryReading;
  /** The file that `GenerateOptions.encode` asked for. */
  readonly encoded?: EncodedVideo;
  /** All frames, in order, in the groups they were decoded in. */
  frames(): Promise<readonly FrameGroup[]>;
  encode(options: EncodeOptions): Promise<EncodedVideo>;
  /** Frees the frames kept for `frames` and `encode`. */
  dispose(): Promise<void>;
}

export interface EncodePromptOptions {
  /** Tokens, the end token included. */
  maxSequenceLength?: number;
  signal?: AbortSignal;
}

/** A prompt as the transformer sees it; to save, and to give to `generate` of the same model. */
export interface PromptEmbeddings {
  /** `[tokens, textDim]`, row-major. */
  readonly embeds: Float32Array<ArrayBuffer>;
  /** Real ones, the end token included. */
  readonly tokens: number;
  readonly textDim: number;
  /** Such as that the prompt was cut. */
  readonly notices: readonly Notice[];
}

export interface VideoPipelineInterface {
  readonly device: DeviceReport;
  readonly checkpoint: CheckpointReport;
  generate(options: GenerateOptions): Promise<VideoResult>;
  /**
   * The embeddings of a prompt, or of a negative one. An empty prompt has them too.
   * @throws ZoetropeError `invalid-argument`, also without a text encoder; `out-of-memory`, `device-lost`; `AbortError`.
   */
  encodePrompt(prompt: string, options?: EncodePromptOptions): Promise<PromptEmbeddings>;
  /** Bytes on the device now, and at the most since it was opened. */
  memory(): Promise<MemoryReading>;
  dispose(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}
