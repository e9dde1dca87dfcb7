/**
 * @file Limits decoded pictures to [−1, 1]. This happens in RAM and not in the graph: a clip there turns infinity, and on
 * some GPUs NaN, into an ordinary black or white pixel, and nothing could tell a failed decode from a picture.
 */
import { TOO_LARGE } from '../weights/finite.ts';

/** In place. What is not finite, or too large to be a pixel of any picture, becomes NaN. */
export function limitPictures(data: Float32Array<ArrayBuffer>): void {
  for (let i = 0; i < data.length; i++) {
    const value = data[i] ?? 0;
    if (value > 1) data[i] = value < TOO_LARGE ? 1 : Number.NaN;
    else if (value < -1) data[i] = value > -TOO_LARGE ? -1 : Number.NaN;
  }
}
