/** @file How much a video may lose: little. Clips are short, and flat pixels that were repeated compress well. */
import { Quality } from 'mediabunny';
import type { VideoCodecName } from './clip.ts';

/** Each codec's own scale, 0 is best. VP8 encoders have no such setting. */
const QUANTIZERS: Readonly<Partial<Record<VideoCodecName, number>>> = { avc: 12, vp9: 16, av1: 64 };

const BITS_PER_PIXEL = 0.5;
/** Bits a second. In proportion to its pixels, a thumbnail would get so few that its colours suffer. */
const LOWEST_BITRATE = 1_000_000;

/** A fixed quantizer, or where the browser's encoder has none, a generous bitrate. */
export function videoQuality(
  codec: VideoCodecName,
  { width, height, frameRate }: { width: number; height: number; frameRate: number },
): Quality {
  const bitrate = Math.max(LOWEST_BITRATE, Math.round(width * height * frameRate * BITS_PER_PIXEL));
  const quantizer = QUANTIZERS[codec];
  return new Quality({ bitrate, ...(quantizer === undefined ? {} : { quantizer }) });
}
