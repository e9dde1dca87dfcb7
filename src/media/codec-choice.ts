/** @file Which video codec to use, by container, wish and browser. */
import { invalidArgument, ZoetropeError } from '../errors.ts';
import { INSECURE, isInsecureContext, OPEN_SECURELY } from '../insecure-context.ts';
import type { VideoCodecName } from './clip.ts';

export type VideoContainer = 'mp4' | 'webm';

/** In order of preference: what plays in most places first. */
const CODECS: Readonly<Record<VideoContainer, readonly VideoCodecName[]>> = {
  mp4: ['avc', 'vp9', 'av1'],
  webm: ['vp9', 'vp8', 'av1'],
};

/**
 * @param canEncode Whether the browser can encode this clip with a codec.
 * @returns `wanted`, or the first codec of the container that can be encoded.
 * @throws ZoetropeError `invalid-argument` when `wanted` is not for the container; `feature-missing`, naming the codecs
 *   that can be encoded, when it cannot, or when none can.
 */
export async function chooseVideoCodec(
  container: VideoContainer,
  wanted: VideoCodecName | undefined,
  canEncode: (codec: VideoCodecName) => Promise<boolean>,
): Promise<VideoCodecName> {
  if (isInsecureContext()) {
    throw new ZoetropeError(
      'feature-missing',
      `${INSECURE}: browsers keep video encoders from such pages, so ${container} cannot be made.`,
      `${OPEN_SECURELY} Or save the clip as GIF or PNG, which need no video encoder.`,
    );
  }
  const codecs = CODECS[container];
  if (wanted === undefined) {
    for (const codec of codecs) if (await canEncode(codec)) return codec;
    throw new ZoetropeError(
      'feature-missing',
      `This browser cannot encode ${container} videos of this size.`,
      'Save the clip as GIF or PNG, which need no video encoder, or try another browser.',
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
  const codecs = CODECS[container];
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
