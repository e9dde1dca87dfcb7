/** @file Which video codec to use, by container, wish and browser. */
import { invalidArgument, ZoetropeError } from '../errors.ts';
import { INSECURE, isInsecureContext, OPEN_SECURELY } from '../insecure-context.ts';
import type { VideoCodecName } from './clip.ts';
import { CODEC_TITLES, VIDEO_CODECS, type VideoContainer } from './codecs.ts';
import type { CodecFailure } from './encoding-failure.ts';

/**
 * @param canEncode Whether the browser says that it can encode this clip with a codec.
 * @param failed Codecs that the browser offered and that failed for this clip.
 * @returns `wanted`, or the first codec of the container that the browser offers and that has not failed.
 * @throws ZoetropeError `invalid-argument` when `wanted` is not for the container; `feature-missing` when the browser does
 *   not offer it, naming the codecs that it does offer; `feature-missing` when no codec is left, each with its cause.
 */
export async function chooseVideoCodec(
  container: VideoContainer,
  wanted: VideoCodecName | undefined,
  canEncode: (codec: VideoCodecName) => Promise<boolean>,
  failed: readonly CodecFailure[] = [],
): Promise<VideoCodecName> {
  if (isInsecureContext()) {
    throw new ZoetropeError(
      'feature-missing',
      `${INSECURE}: browsers keep video encoders from such pages, so ${container} cannot be made.`,
      `${OPEN_SECURELY} Or save the clip as GIF or PNG, which need no video encoder.`,
    );
  }
  const codecs = VIDEO_CODECS[container];
  if (wanted === undefined) {
    const causes: string[] = [];
    for (const codec of codecs) {
      const failure = failed.find((each) => each.codec === codec);
      if (!failure && (await canEncode(codec))) return codec;
      causes.push(`${CODEC_TITLES[codec]}: ${failure?.reason ?? 'not offered at this size'}`);
    }
    throw new ZoetropeError(
      'feature-missing',
      `This browser cannot encode ${container} videos of this size (${causes.join('; ')}).`,
      'Save the clip as GIF or PNG, which need no video encoder, or try another browser.',
      failed.length === 0 ? undefined : { cause: failed[0] },
    );
  }
  checkCodec(wanted, container);
  if (await canEncode(wanted)) return wanted;
  const possible: VideoCodecName[] = [];
  for (const codec of codecs) if (await canEncode(codec)) possible.push(codec);
  throw new ZoetropeError(
    'feature-missing',
    `This browser cannot encode ${wanted} videos of this size; for ${container} it can encode ` +
      `${possible.join(', ') || 'none'}.`,
    possible.length > 0
      ? `Choose ${possible.join(' or ')}, or leave the codec out.`
      : 'Save the clip as GIF or PNG, which need no video encoder.',
  );
}

/** @throws ZoetropeError `invalid-argument` when the codec is not for the container. */
export function checkCodec(codec: VideoCodecName, container: VideoContainer): void {
  const codecs = VIDEO_CODECS[container];
  if (codecs.includes(codec)) return;
  throw invalidArgument(
    'codec',
    `${container} files hold ${codecs.join(', ')}, not ${codec}.`,
    `Choose ${codecs.join(' or ')}, or another container.`,
  );
}

/** @throws ZoetropeError `invalid-argument` when a codec is asked for where there is none to choose. */
export function refuseCodec(codec: VideoCodecName | undefined, container: 'gif' | 'png'): void {
  if (codec === undefined) return;
  throw invalidArgument(
    'codec',
    `${container} files have no video codec.`,
    'Leave the codec out, or choose mp4 or webm.',
  );
}
