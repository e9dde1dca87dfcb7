/** @file What a call gives in the end: a clip, or a prompt's embeddings. */
import type {
  Container,
  EncodingNotice,
  FrameGroup,
  GenerationParameters,
} from '../../media/clip.ts';
import type { EncodeOptions } from './generate-options.ts';
import type { MemoryReading, Notice } from './progress.ts';

export interface VideoResult {
  readonly parameters: GenerationParameters;
  readonly notices: readonly Notice[];
  readonly seconds: PhaseSeconds;
  readonly memory: MemoryReading;
  /** The file that `GenerateOptions.encode` asked for; absent if it could not be made: a notice `not-encoded` says why. */
  readonly encoded?: EncodedVideo;
  /** All frames, in order, in the groups they were decoded in. */
  frames(): Promise<readonly FrameGroup[]>;
  encode(options: EncodeOptions): Promise<EncodedVideo>;
  /** Frees the frames kept for `frames` and `encode`. */
  dispose(): Promise<void>;
}

/** Wall seconds by phase. */
export interface PhaseSeconds {
  readonly load: number;
  readonly encodePrompt: number;
  readonly denoise: number;
  readonly decode: number;
  readonly total: number;
}

export interface EncodedVideo {
  /** One file, or one PNG a frame for `png`. */
  readonly files: readonly { readonly name: string; readonly blob: Blob }[];
  /** The codec really used: a codec name, `gif` or `png`. */
  readonly codec: string;
  readonly container: Container;
  /** `codec-changed`: another codec than the container's first was used, and why. */
  readonly notices: readonly EncodingNotice[];
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
