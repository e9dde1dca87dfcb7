/** @file What the catalogue says of a model: data, and as options of the pipeline wherever it can be. */
import type { ComponentName } from '../family.ts';

export type SourceDtype = 'F32' | 'F16' | 'BF16';

/** Configurations of the architectures in the catalogue. */
export type ArchitectureId = 'pocket' | 'wan-1.3b' | 'wan-14b';

/** Fast decoders in the catalogue. */
export type FastDecoderId = 'taew2_1';

export interface Licence {
  readonly name: string;
  readonly url: string;
  /** What else to know, where the name does not say it all. */
  readonly note?: string;
}

/** How far this runtime was tested with a model. Nothing here says that published weights work unless somebody ran them. */
export interface Verified {
  /** Every part against diffusers and transformers, with random weights at small sizes: the arithmetic is the reference's. */
  readonly isExactOnRandomWeights: boolean;
  /** Imported and run at its true size, with made-up weights. */
  readonly isRehearsedAtScale: boolean;
  /** Run with the weights as they are published. */
  readonly isRunAsPublished: boolean;
}

export interface ClipMeasure {
  /** Pixels. */
  readonly width: number;
  /** Pixels. */
  readonly height: number;
  readonly numFrames: number;
}

/** A part that is fetched besides the model's own components. */
export interface ExtraPart {
  readonly what: string;
  /** A reference: see `ModelEntry.source`. */
  readonly source: string;
  /** Undefined: not known for certain. */
  readonly bytes?: number;
  readonly licence: Licence;
}

/** A TAEHV decoder that goes with a model. Nothing of it is fetched unless the user asks for it. */
export interface FastDecoderPart extends ExtraPart {
  readonly architecture: FastDecoderId;
  /** Element type of its weights: if `bytes` is undefined, the widest that it may be. */
  readonly dtype: SourceDtype;
  readonly verified: Verified;
}

export interface ModelEntry {
  /** Unique; what a page's address says. */
  readonly id: string;
  readonly title: string;
  /** A few words that tell it from the others. */
  readonly summary: string;
  /** `owner/name` on the Hugging Face hub, or a folder's URL relative to the page. */
  readonly source: string;
  /** The commit that was looked up. Absent: whatever is newest, since none was confirmed. */
  readonly revision?: string;
  readonly family: 'wan';
  readonly architecture: ArchitectureId;
  readonly licence: Licence;
  /** Element types of the published weights; where `unconfirmedDtypes` names the component, the widest that it may be. */
  readonly dtypes: Readonly<Record<ComponentName, SourceDtype>>;
  readonly unconfirmedDtypes: readonly ComponentName[];
  /** Options of loading, besides the source. */
  readonly load: {
    /** Kept in the browser's storage: for what is too large to hold in RAM or to fetch twice. */
    readonly storage: boolean;
    readonly loras?: readonly { readonly source: string; readonly scale: number }[];
  };
  /** A decoder that `decode: 'fast'` can use in the place of the model's own. */
  readonly fastDecoder?: FastDecoderPart;
  /** Fetched with the model because `load` asks for it. */
  readonly extras: readonly ExtraPart[];
  /** Options of generating, besides the size. */
  readonly generate: {
    readonly numInferenceSteps: number;
    readonly guidanceScale: number;
    readonly frameRate: number;
    readonly maxSequenceLength: number;
    readonly scheduler?: 'FlowMatchLCMScheduler';
    readonly flowShift?: number;
    readonly timesteps?: readonly number[];
    readonly sigmas?: readonly number[];
  };
  /** What it was trained for first, then ever smaller: what fits a machine is the first that fits. */
  readonly sizes: readonly [ClipMeasure, ...ClipMeasure[]];
  readonly verified: Verified;
  readonly notes: readonly string[];
}
