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
import { disposedResult } from './disposed.ts';
import { encodeFrames, type FrameStore } from './frame-store.ts';

export class EngineResult implements VideoResult {
  readonly parameters: GenerationParameters;
  readonly notices: readonly Notice[];
  readonly seconds: PhaseSeconds;
  readonly memory: MemoryReading;
  readonly encoded?: EncodedVideo;
  readonly #frames: FrameStore;
  readonly #readMemory: () => MemoryReading;
  #isDisposed = false;

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

  async frames(): Promise<readonly FrameGroup[]> {
    this.#checkOpen();
    return this.#frames.groups;
  }

  async encode(options: EncodeOptions): Promise<EncodedVideo> {
    this.#checkOpen();
    return encodeFrames(this.#frames.groups, this.parameters, options, this.#readMemory);
  }

  async dispose(): Promise<void> {
    if (this.#isDisposed) return;
    this.#isDisposed = true;
    await this.#frames.dispose();
  }

  #checkOpen(): void {
    if (this.#isDisposed) throw disposedResult();
  }
}
