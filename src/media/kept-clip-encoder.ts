/**
 * @file Encodes a clip whose frames are kept, so that a codec that fails costs nothing but time: the container's next one
 * starts again from the first frame.
 */
import { ZoetropeError } from '../errors.ts';
import type { EncodingNotice, FrameGroup } from './clip.ts';
import {
  type ClipEncoder,
  type ClipEncoderOptions,
  createEncoder,
  type EncodedFile,
} from './clip-encoder.ts';
import { CODEC_TITLES, CONTAINER_TITLES, VIDEO_CODECS, type VideoContainer } from './codecs.ts';
import { CodecFailure } from './encoding-failure.ts';

export interface EncodedClip {
  readonly files: readonly EncodedFile[];
  /** The codec really used: a codec name, `gif` or `png`. */
  readonly codec: string;
  readonly notices: readonly EncodingNotice[];
}

export class KeptClipEncoder {
  readonly #options: ClipEncoderOptions;
  /** All frames so far, in order. */
  readonly #given: FrameGroup[] = [];
  readonly #failed: CodecFailure[] = [];
  #encoder: ClipEncoder | undefined;

  private constructor(options: ClipEncoderOptions) {
    this.#options = options;
  }

  /** @throws As `createEncoder`. */
  static async open(options: ClipEncoderOptions): Promise<KeptClipEncoder> {
    const opened = new KeptClipEncoder(options);
    await opened.#withEncoder(() => Promise.resolve());
    return opened;
  }

  /**
   * Adds a group, which must stay as it is until `finish`.
   *
   * @throws ZoetropeError as `ClipEncoder.add`, if no other codec may or can be tried.
   */
  async add(group: FrameGroup): Promise<void> {
    await this.#withEncoder((encoder) => encoder.add(group));
    this.#given.push(group);
  }

  /** @throws ZoetropeError as `ClipEncoder.finish`, if no other codec may or can be tried. */
  async finish(): Promise<EncodedClip> {
    const files = await this.#withEncoder((encoder) => encoder.finish());
    const codec = this.#encoder?.codec ?? '';
    this.#forget();
    return { files, codec, notices: this.#notices(codec) };
  }

  async cancel(): Promise<void> {
    const encoder = this.#encoder;
    this.#forget();
    await encoder?.cancel();
  }

  #forget(): void {
    this.#encoder = undefined;
    this.#given.length = 0;
  }

  /** Does `step` with the encoder, or with the next one where it fails, which gets all frames so far first. */
  async #withEncoder<T>(step: (encoder: ClipEncoder) => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await step((this.#encoder ??= await this.#openNext()));
      } catch (error) {
        await this.#giveUp(error);
      }
    }
  }

  async #openNext(): Promise<ClipEncoder> {
    const { signal } = this.#options;
    const encoder = await createEncoder({ ...this.#options, failed: this.#failed });
    // A failure on the way is this encoder's, and `#giveUp` is to find it.
    this.#encoder = encoder;
    for (const group of this.#given) {
      signal?.throwIfAborted();
      await encoder.add(group);
    }
    return encoder;
  }

  /** @throws What was given, unless another codec may be tried. */
  async #giveUp(error: unknown): Promise<void> {
    if (!(error instanceof CodecFailure)) throw error;
    const failed = this.#encoder;
    this.#encoder = undefined;
    // An encoder that hangs may never answer this either.
    failed?.cancel().catch(() => undefined);
    if (this.#options.codec !== undefined) throw await this.#whatWorks(error);
    this.#failed.push(error);
  }

  /** A codec that was asked for by name is not replaced in silence. */
  async #whatWorks(failure: CodecFailure): Promise<ZoetropeError> {
    const container = this.#options.container as VideoContainer;
    const { provenCodecs } = await import('./video-sink.ts');
    const working = await provenCodecs(this.#options, container, failure.codec);
    const names = working.map((codec) => `${CODEC_TITLES[codec]} (${codec})`);
    return new ZoetropeError(
      'feature-missing',
      failure.message,
      working.length > 0
        ? `Choose ${names.join(' or ')}, which works here for ${CONTAINER_TITLES[container]}, or let the codec be chosen automatically.`
        : `No other codec works here for ${CONTAINER_TITLES[container]}: save the clip as GIF or PNG, which need no video encoder.`,
      { cause: failure },
    );
  }

  #notices(codec: string): EncodingNotice[] {
    const { container } = this.#options;
    if (this.#options.codec !== undefined || container === 'gif' || container === 'png') return [];
    const used = VIDEO_CODECS[container].find((each) => each === codec);
    const [first] = VIDEO_CODECS[container];
    if (!used || !first || used === first) return [];
    const causes = this.#failed.map(
      ({ codec: failed, reason }) => `${CODEC_TITLES[failed]} failed in this browser (${reason})`,
    );
    const cause =
      causes.length > 0
        ? causes.join('; ')
        : `This browser does not offer ${CODEC_TITLES[first]} at this size`;
    return [
      {
        code: 'codec-changed',
        message:
          `${cause}: the ${CONTAINER_TITLES[container]} is encoded as ${CODEC_TITLES[used]} instead. ` +
          'If a player does not show it, save the clip in another format.',
      },
    ];
  }
}
