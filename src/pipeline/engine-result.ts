/** @file A finished run: its frames, kept where they were made until the caller lets go of them. */
import type {
  EncodedVideo,
  EncodeOptions,
  FrameGroup,
  GenerationParameters,
  MemoryReading,
  Notice,
  PhaseSeconds,
  VideoResult,
} from './api.ts';
import { encodeFrames, type FrameStore } from './frame-store.ts';

export class EngineResult implements VideoResult {
  readonly parameters: GenerationParameters;
  readonly notices: readonly Notice[];
  readonly seconds: PhaseSeconds;
  readonly memory: MemoryReading;
  readonly encoded?: EncodedVideo;
  readonly #frames: FrameStore;
  readonly #readMemory: () => MemoryReading;

  constructor(
    parameters: GenerationParameters,
    notices: readonly Notice[],
    seconds: PhaseSeconds,
    frames: FrameStore,
    encoded: EncodedVideo | undefined,
    readMemory: () => MemoryReading,
  ) {
    this.parameters = parameters;
    this.notices = notices;
    this.seconds = seconds;
    this.memory = readMemory();
    if (encoded) this.encoded = encoded;
    this.#frames = frames;
    this.#readMemory = readMemory;
  }

  frames(): Promise<readonly FrameGroup[]> {
    return Promise.resolve(this.#frames.groups);
  }

  encode(options: EncodeOptions): Promise<EncodedVideo> {
    return encodeFrames(this.#frames.groups, this.parameters, options, this.#readMemory);
  }

  dispose(): Promise<void> {
    return this.#frames.dispose();
  }
}
