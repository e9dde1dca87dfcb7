/** @file Errors for encoders of the browser and of libraries that give up. */
import { describeUnknown } from '../describe-unknown.ts';
import { ZoetropeError } from '../errors.ts';
import type { VideoCodecName } from './clip.ts';
import { CODEC_TITLES } from './codecs.ts';

/** Runs `encode`; what it throws becomes a `feature-missing` error, its own kind excepted. */
export async function withEncodingErrors<T>(format: string, encode: () => Promise<T>): Promise<T> {
  try {
    return await encode();
  } catch (cause) {
    if (cause instanceof ZoetropeError) throw cause;
    throw new ZoetropeError(
      'feature-missing',
      `Encoding as ${format} failed: ${describeUnknown(cause)}`,
      'Try another container or codec, or a smaller scale.',
      { cause },
    );
  }
}

/** The browser offered a codec, and its encoder failed. */
export class CodecFailure extends ZoetropeError {
  readonly codec: VideoCodecName;
  /** What the encoder said. */
  readonly reason: string;

  constructor(codec: VideoCodecName, cause: unknown) {
    const reason = describeUnknown(cause).replace(/\.$/, '');
    super(
      'feature-missing',
      `This browser offers ${CODEC_TITLES[codec]}, but could not encode this clip with it: ${reason}.`,
      'Try another codec or container, or a smaller scale.',
      { cause },
    );
    this.codec = codec;
    this.reason = reason;
  }
}

/** Runs `encode`; what the encoder throws becomes a {@link CodecFailure}, unless the signal was the cause. */
export async function withCodecFailures<T>(
  codec: VideoCodecName,
  encode: () => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  try {
    return await encode();
  } catch (cause) {
    signal?.throwIfAborted();
    if (cause instanceof ZoetropeError) throw cause;
    throw new CodecFailure(codec, cause);
  }
}
