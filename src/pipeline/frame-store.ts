/** @file Where decoded frames go, each group as it is made: to the caller, to an encoder if one is wanted, and into RAM. */
import { type ClipEncoder, createEncoder } from '../media/clip-encoder.ts';
import type {
  EncodedVideo,
  EncodeOptions,
  FrameGroup,
  GenerateOptions,
  GenerationParameters,
  MemoryReading,
} from './api.ts';

export class FrameStore {
  readonly #groups: FrameGroup[] = [];
  readonly #parameters: GenerationParameters;
  readonly #onFrames: GenerateOptions['onFrames'];
  readonly #encode: GenerateOptions['encode'];
  #encoder: ClipEncoder | undefined;

  constructor(
    parameters: GenerationParameters,
    options: Pick<GenerateOptions, 'onFrames' | 'encode'> = {},
  ) {
    this.#parameters = parameters;
    this.#onFrames = options.onFrames;
    this.#encode = options.encode;
  }

  get groups(): readonly FrameGroup[] {
    return this.#groups;
  }

  /** Opens the encoder that the request asked for, so that a codec that cannot be had is told before the run. */
  async open(): Promise<void> {
    if (this.#encode) this.#encoder = await openEncoder(this.#parameters, this.#encode);
  }

  async add(group: FrameGroup): Promise<void> {
    this.#groups.push(group);
    await this.#onFrames?.(group);
    await this.#encoder?.add(group);
  }

  /** The file that the request asked for. */
  async finish(): Promise<EncodedVideo | undefined> {
    const encoder = this.#encoder;
    if (!encoder || !this.#encode) return undefined;
    this.#encoder = undefined;
    return {
      files: await encoder.finish(),
      codec: encoder.codec,
      container: this.#encode.container,
    };
  }

  /** Drops the frames and an unfinished file. */
  async dispose(): Promise<void> {
    this.#groups.length = 0;
    const encoder = this.#encoder;
    this.#encoder = undefined;
    await encoder?.cancel();
  }
}

function openEncoder(
  parameters: GenerationParameters,
  { container, codec, scale }: Pick<EncodeOptions, 'container' | 'codec' | 'scale'>,
): Promise<ClipEncoder> {
  const { width, height, frameRate, numFrames } = parameters;
  return createEncoder({
    container,
    ...(codec === undefined ? {} : { codec }),
    width,
    height,
    frameRate,
    numFrames,
    scale: scale ?? 1,
    metadata: parameters,
  });
}

/** Encodes frames that are all there. */
export async function encodeFrames(
  groups: readonly FrameGroup[],
  parameters: GenerationParameters,
  options: EncodeOptions,
  readMemory: () => MemoryReading,
): Promise<EncodedVideo> {
  const { numFrames: totalFrames } = parameters;
  const encoder = await openEncoder(parameters, options);
  try {
    let frame = 0;
    for (const group of groups) {
      options.signal?.throwIfAborted();
      await encoder.add(group);
      frame += group.count;
      const fraction = frame / totalFrames;
      options.onProgress?.({ type: 'encode', fraction, frame, totalFrames, memory: readMemory() });
    }
    const files = await encoder.finish();
    return { files, codec: encoder.codec, container: options.container };
  } catch (error) {
    await encoder.cancel();
    throw error;
  }
}
