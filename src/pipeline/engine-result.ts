/** @file A finished run: its frames, kept where they were made until the caller lets go of them. */
import type { Backend } from '../runtime/backend.ts';
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
  readonly #backend: Backend;

  constructor(
    parameters: GenerationParameters,
    notices: readonly Notice[],
    seconds: PhaseSeconds,
    memory: MemoryReading,
    frames: FrameStore,
    encoded: EncodedVideo | undefined,
    backend: Backend,
  ) {
    this.parameters = parameters;
    this.notices = notices;
    this.seconds = seconds;
    this.memory = memory;
    if (encoded) this.encoded = encoded;
    this.#frames = frames;
    this.#backend = backend;
  }

  frames(): Promise<readonly FrameGroup[]> {
    return Promise.resolve(this.#frames.groups);
  }

  encode(options: EncodeOptions): Promise<EncodedVideo> {
    const read = (): MemoryReading => {
      const { liveBytes, peakBytes } = this.#backend.ledger.read();
      return { liveBytes, peakBytes };
    };
    return encodeFrames(this.#frames.groups, this.parameters, options, read);
  }

  dispose(): Promise<void> {
    return this.#frames.dispose();
  }
}
