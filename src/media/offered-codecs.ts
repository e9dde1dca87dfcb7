/** @file Which codecs the browser says that it can encode. Saying so is no promise: see `CodecFailure`. */
import { canEncodeVideo } from 'mediabunny';
import type { VideoCodecName } from './clip.ts';
import { VIDEO_CODECS, type VideoContainer } from './codecs.ts';
import { videoQuality } from './video-quality.ts';

/** Even sizes, as an encoder gets them. */
export interface VideoPicture {
  readonly width: number;
  readonly height: number;
  readonly frameRate: number;
}

/** Video codecs need even sizes: the last column and row are repeated once where it is odd. */
export function videoPicture(
  { width, height, frameRate }: VideoPicture,
  scale: number,
): VideoPicture {
  return { width: even(width * scale), height: even(height * scale), frameRate };
}

function even(pixels: number): number {
  return pixels + (pixels % 2);
}

export function isOffered(codec: VideoCodecName, picture: VideoPicture): Promise<boolean> {
  return canEncodeVideo(codec, { ...picture, quality: videoQuality(codec, picture) });
}

/** In the container's order of preference. */
export async function offeredCodecs(
  container: VideoContainer,
  picture: VideoPicture,
): Promise<VideoCodecName[]> {
  const offered: VideoCodecName[] = [];
  for (const codec of VIDEO_CODECS[container]) {
    if (await isOffered(codec, picture)) offered.push(codec);
  }
  return offered;
}
