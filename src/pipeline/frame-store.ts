/** @file Where decoded frames go, each group as it is made: to the caller, to an encoder if one is wanted, and into RAM. */
import type { EncodingNotice } from '../media/clip.ts';
import { KeptClipEncoder } from '../media/kept-clip-encoder.ts';
import { tryEncoding } from '../media/try-encoding.ts';
import { describeUnknown } from '../describe-unknown.ts';
import { isAbortError, ZoetropeError } from '../errors.ts';
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
  readonly #signal: AbortSignal | undefined;
  readonly #notices: EncodingNotice[] = [];
  #encoder: KeptClipEncoder | undefined;

  constructor(
    parameters: GenerationParameters,
    options: Pick<GenerateOptions, 'onFrames' | 'encode' | 'signal'> = {},
  ) {
    this.#parameters = parameters;
    this.#onFrames = options.onFrames;
    this.#encode = options.encode;
    this.#signal = options.signal;
  }

  get groups(): readonly FrameGroup[] {
    return this.#groups;
  }

  /** What the user should know of the file that the request asked for. */
  get notices(): readonly EncodingNotice[] {
    return this.#notices;
  }

  /** Opens the encoder that the request asked for, so that a codec that does not work fails before the run. */
  async open(): Promise<void> {
    if (!this.#encode) return;
    await tryEncoding(this.#encode, this.#parameters, this.#signal);
    this.#encoder = await openEncoder(this.#parameters, this.#encode, this.#signal);
  }

  async add(group: FrameGroup): Promise<void> {
    this.#groups.push(group);
    await this.#onFrames?.(group);
    await this.#encoding((encoder) => encoder.add(group));
  }

  /** The file that the request asked for; undefined if it asked for none, or it cannot be made: see `notices`. */
  async finish(): Promise<EncodedVideo | undefined> {
    const { container } = this.#encode ?? {};
    const made = await this.#encoding((encoder) => encoder.finish());
    this.#encoder = undefined;
    if (!made || container === undefined) return undefined;
    this.#notices.push(...made.notices);
    return { ...made, container };
  }

  /** An encoder that fails in the middle does not cost the clip: the run continues without it. */
  async #encoding<T>(step: (encoder: KeptClipEncoder) => Promise<T>): Promise<T | undefined> {
    const encoder = this.#encoder;
    if (!encoder) return undefined;
    try {
      return await step(encoder);
    } catch (error) {
      if (isAbortError(error) || this.#signal?.aborted) throw error;
      this.#encoder = undefined;
      await encoder.cancel().catch(() => undefined);
      const hint = error instanceof ZoetropeError ? ` ${error.hint}` : '';
      const message = `The clip was made, but not encoded: ${describeUnknown(error)}${hint}`;
      this.#notices.push({ code: 'not-encoded', message });
      return undefined;
    }
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
  signal: AbortSignal | undefined,
): Promise<KeptClipEncoder> {
  const { width, height, frameRate, numFrames } = parameters;
  return KeptClipEncoder.open({
    container,
    ...(codec === undefined ? {} : { codec }),
    width,
    height,
    frameRate,
    numFrames,
    scale: scale ?? 1,
    metadata: parameters,
    ...(signal ? { signal } : {}),
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
  const encoder = await openEncoder(parameters, options, options.signal);
  try {
    let frame = 0;
    for (const group of groups) {
      options.signal?.throwIfAborted();
      await encoder.add(group);
      frame += group.count;
      const fraction = frame / totalFrames;
      options.onProgress?.({ type: 'encode', fraction, frame, totalFrames, memory: readMemory() });
    }
    return { ...(await encoder.finish()), container: options.container };
  } catch (error) {
    await encoder.cancel();
    throw error;
  }
}
