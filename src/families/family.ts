/**
 * @file What a model family gives the pipeline: a checkpoint that says what it is before anything is fetched, and, once
 * loaded, the three phases of a run. A family writes graphs, stage lists and a name map; loops are written once.
 */
import type { DecoderPlan } from '../decode/decoder-plan.ts';
import type { Precision } from '../graph/index.ts';
import type { PhaseNeeds } from '../runtime/planner.ts';
import type { StageRunner } from '../runtime/stage-runner.ts';
import type { CheckpointStore } from '../store/checkpoint-store.ts';
import type { ComponentWeights } from '../weights/component-weights.ts';
import type { LoraAt } from '../weights/lora-file.ts';
import type { FilesAt } from '../weights/source.ts';
import type { StoredFormat } from '../weights/storage-format.ts';
import type { ImportOptions } from '../weights/stored-weights.ts';
import type { PromptTokenizer } from './text/tokenizer.ts';

/** What a clip of this checkpoint may measure. */
export interface SizeConstraints {
  /** `width` and `height` are multiples of this many pixels. */
  readonly sizeMultiple: number;
  /** `numFrames` is `k · frameMultiple + 1`. */
  readonly frameMultiple: number;
  /** Pixels a side, at the most. */
  readonly maxSize: number;
  /** At the most. */
  readonly maxFrames: number;
}

/** What is used where a request says nothing. */
export interface GenerationDefaults {
  readonly height: number;
  readonly width: number;
  readonly numFrames: number;
  readonly numInferenceSteps: number;
  readonly guidanceScale: number;
  readonly frameRate: number;
  readonly maxSequenceLength: number;
}

/** Latents of one clip, `[channels, frames, height, width]`. */
export interface LatentShape {
  readonly channels: number;
  readonly frames: number;
  readonly height: number;
  readonly width: number;
}

export type ComponentName = 'text_encoder' | 'transformer' | 'vae';

/** A checkpoint's components, and a decoder that may come from elsewhere. */
export type PartName = ComponentName | 'fast_decoder';

export interface ComponentSummary {
  readonly name: PartName;
  /** Where it comes from, if that is not the checkpoint itself. */
  readonly source?: string;
  /** Bytes to fetch. */
  readonly bytes: number;
  /** Of the part that is fetched. */
  readonly parameters: number;
}

/** Something about a checkpoint that the user should know and that does not keep it from running. */
export interface CheckpointNotice {
  readonly code: 'tensors-ignored';
  readonly message: string;
}

/** What a checkpoint is put together from, besides its own files. */
export interface CheckpointParts {
  /** In the place of the checkpoint's own. */
  readonly components?: Readonly<Partial<Record<ComponentName, FilesAt>>>;
  /** Merged into the transformer, in this order. */
  readonly loras?: readonly LoraAt[];
}

/** A LoRA that will be merged. */
export interface LoraSummary {
  readonly source: string;
  readonly scale: number;
  /** Tensors of the transformer that it changes; absent if its header was not read. */
  readonly tensors?: number;
}

/** First conditions, then is loaded, then goes forward: what only conditioning needs is gone before the rest comes. */
export interface Denoiser {
  /** Texts as the denoiser wants them, kept on the device until the runner is disposed of. */
  condition(texts: readonly Float32Array<ArrayBuffer>[]): Promise<readonly Conditioning[]>;
  load(onStage?: (done: number, total: number) => void): Promise<void>;
  /**
   * The velocity at `latents` for each conditioning, all in one pass over the weights.
   * @param results Like `latents`, one a conditioning, written in place.
   */
  forward(
    latents: Float32Array,
    timestep: number,
    conditionings: readonly Conditioning[],
    results: readonly Float32Array[],
  ): Promise<void>;
}

/** Opaque to the pipeline. */
export interface Conditioning {
  readonly kind: 'conditioning';
}

/** From latents to pictures. */
export interface LatentDecoder {
  /**
   * @param tile Pixels a side of a decoder tile, rounded up to whole latents; absent, or no smaller than the frame: whole
   * frames, which stay on the device from stage to stage.
   */
  decoderPlan(latents: LatentShape, tile?: number): DecoderPlan;
  /** Latent frame `frame`, scaled as the decoder wants it, channels last. */
  decoderInput(latents: Float32Array, shape: LatentShape, frame: number): Float32Array<ArrayBuffer>;
}

/** As much of a fast decoder as a plan needs. */
export interface PlannedFastDecoder extends Pick<LatentDecoder, 'decoderPlan'> {
  readonly summary: ComponentSummary;
  /** Bytes as it is kept, in RAM or in a store. */
  readonly storedBytes: number;
  /** What a decode asks of the device. @param tile As in `decoderPlan`. */
  needs(latents: LatentShape, tile?: number): PhaseNeeds;
  /** Ways to make one small picture of each latent frame, the finest first. */
  previews(latents: LatentShape): readonly { plan: DecoderPlan; needs: PhaseNeeds }[];
}

/** A small decoder that can stand in for the checkpoint's own, and shows what a clip is becoming while it is denoised. */
export interface FastDecoder extends PlannedFastDecoder, LatentDecoder {
  fetch(options?: ImportOptions & { store?: CheckpointStore }): Promise<ComponentWeights>;
}

/** A small picture of a latent frame as a linear function of its channels: a rough look at no cost. */
export interface LatentColours {
  /** A side, of each latent. */
  readonly pixels: number;
  /**
   * One row a channel of normalised latents; in it red, green and blue, in [−1, 1], of each pixel, row by row:
   * 3 · pixels² numbers.
   */
  readonly factors: readonly (readonly number[])[];
  /** Added: 3 · pixels² numbers. */
  readonly bias: readonly number[];
}

/** Parts of a sentence that a checkpoint was taught, as it reads them. */
export interface PromptLists {
  readonly colours: readonly string[];
  /** Nouns, without an article. */
  readonly subjects: readonly string[];
  /** Finite phrases: “moves right”. */
  readonly motions: readonly string[];
  /** Those of the motions that it was shown beside another subject. Absent: all of them. */
  readonly pairMotions?: readonly string[];
  /** Between one subject and another: “left of”. None: it was shown one at a time. */
  readonly relations: readonly string[];
  /** Where it happens: “at sunset”. */
  readonly grounds: readonly string[];
  /** In the place of a motion, of one subject, after a comma: “the camera pans left”. */
  readonly cameras: readonly string[];
}

/** What a checkpoint was taught to draw, for whoever helps to write prompts. */
export interface PromptVocabulary {
  /** Whole prompts. */
  readonly samples: readonly string[];
  readonly builder: PromptLists;
  /** Every word that training showed, in lower case. */
  readonly words: readonly string[];
}

export interface ModelCheckpoint extends LatentDecoder {
  readonly pipelineClass: string;
  /** Parsed `scheduler_config.json`. */
  readonly schedulerConfig: unknown;
  readonly schedulerName: string;
  readonly tokenizer: PromptTokenizer;
  readonly constraints: SizeConstraints;
  readonly defaults: GenerationDefaults;
  readonly components: readonly ComponentSummary[];
  readonly loras: readonly LoraSummary[];
  readonly notices: readonly CheckpointNotice[];
  /** Bytes of a component as it is kept for `precision`, in RAM or in a store. */
  storedBytes(component: ComponentName, precision: Precision): number;
  /** What it is then said to be kept as. */
  storedFormat(component: ComponentName, precision: Precision): StoredFormat;
  /**
   * Fetches what a component needs, converted to be kept for `precision`: into RAM, or into `store`, from where it is
   * read as it is needed. Runs may compute in another element type than it was kept for, but not in another format.
   */
  fetch(
    component: ComponentName,
    precision: Precision,
    options?: ImportOptions & { store?: CheckpointStore },
  ): Promise<ComponentWeights>;

  latentShape(size: { width: number; height: number; numFrames: number }): LatentShape;
  /** Values of one token's embedding. */
  readonly textDim: number;
  /**
   * Encodes one prompt's tokens to `[ids.length, textDim]`. The denoiser is given as many more as make up the longest
   * prompt, all of them zeros.
   */
  encodeText(
    runner: StageRunner,
    weights: ComponentWeights,
    ids: readonly number[],
    precision: Precision,
  ): Promise<Float32Array<ArrayBuffer>>;
  denoiser(
    runner: StageRunner,
    shape: { latents: LatentShape; textTokens: number },
    precision: Precision,
  ): Denoiser;
  /**
   * What each phase asks of the device, for the planner.
   * @param shape.batch Conditionings in a pass. @param shape.texts Conditionings in all.
   * @param shape.tile As in `decoderPlan`.
   */
  needs(
    shape: {
      latents: LatentShape;
      textTokens: number;
      batch: number;
      texts: number;
      tile?: number | undefined;
    },
    precision: Precision,
  ): Readonly<Record<ComponentName, PhaseNeeds>>;
  /** Absent: there is none. */
  readonly fastDecoder?: FastDecoder;
  /** Absent: none are known. */
  readonly latentColours?: LatentColours;
  /** Absent: it says nothing of it, as models for any prompt do. */
  readonly prompts?: PromptVocabulary;
}

/** As much of a checkpoint as a plan needs: nothing of it is in the files' contents, so a configuration is enough. */
export type PlannedModel = Pick<
  ModelCheckpoint,
  | 'schedulerName'
  | 'constraints'
  | 'defaults'
  | 'components'
  | 'storedBytes'
  | 'storedFormat'
  | 'latentShape'
  | 'needs'
  | 'decoderPlan'
> & { readonly fastDecoder?: PlannedFastDecoder };
