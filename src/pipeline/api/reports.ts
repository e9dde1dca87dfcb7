/** @file What is told of a model and of a clip before anything large is fetched. */
import type {
  CheckpointNotice,
  ComponentName,
  ComponentSummary,
  GenerationDefaults,
  LoraSummary,
  PartName,
  PromptVocabulary,
  SizeConstraints,
} from '../../families/family.ts';
import type { DeviceChoice } from '../../runtime/device.ts';
import type { StoredFormat } from '../../weights/storage-format.ts';
import type { ClipSize } from './generate-options.ts';
import type {
  ComponentFormats,
  InspectOptions,
  LoadOptions,
  MemoryOptions,
  WeightsFormat,
} from './load-options.ts';

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
  /** What the model was taught to draw, where its `zoetrope.json` says: see `promptSentence` and `unknownWords`. */
  readonly prompts?: PromptVocabulary;
}

/** What a plan depends on besides the checkpoint. */
export type PlanOptions = Pick<LoadOptions, 'device' | 'dtype' | 'memory' | 'textEncoder'> &
  InspectOptions &
  ClipSize & {
    /** Whether there will be an `onPreview`. */
    preview?: boolean;
  };

/** What a plan of a model in `CATALOGUE` depends on. */
export type ListedPlanOptions = Omit<PlanOptions, keyof InspectOptions> & {
  /** The address that the entry names; another one's size is not known to the catalogue. */
  fastDecoder?: string;
  signal?: AbortSignal;
};

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
  /** What they are called in storage: `source` where the checkpoint has the format already. */
  readonly storedFormats: Readonly<Record<ComponentName, StoredFormat>>;
  /** The least budget that would do, if it is too large. */
  readonly leastBudgetBytes?: number;
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

export interface AssessOptions {
  device?: DeviceChoice;
  /** Whether the model is in the browser's storage already. */
  isStored?: boolean;
  /** Bytes in the browser's storage of an import that was cut short. */
  keptBytes?: number;
  /** Whether the fast decoder that the catalogue names for the model comes with it. */
  fastDecoder?: boolean;
  signal?: AbortSignal;
}

/**
 * `well`: everything stays on the device. `streamed`: weights pass through it. `slow`, `impractical`: only a CPU or a
 * software adapter computes here, and it takes minutes, or more than a night.
 */
export type VerdictLevel = 'well' | 'streamed' | 'slow' | 'impractical' | 'does-not-fit';

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
  /**
   * Options in which the model would be within what the browser promises, where `plan` is not. A suggestion: `plan` and
   * `reason` are about loading without them.
   */
  readonly memory?: MemoryOptions;
  /**
   * Bytes to be stored beyond those that the browser promises to have room for. Browsers often accept more, so this is no
   * refusal: storing may have to stop with `storage-full`, and then keeps what it has.
   */
  readonly missingBytes?: number;
  /** Operations of a clip. */
  readonly flops?: number;
  /** For a clip, in order of magnitude; absent for GPUs, which differ too much. */
  readonly seconds?: number;
}
