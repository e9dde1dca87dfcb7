/** @file Decoded pictures to 8-bit RGBA. */
import type { HostFrames } from '../decode/decoder-plan.ts';
import type { FrameGroup } from './api.ts';

/**
 * [−1, 1] → 0 … 255, rounded half to even as NumPy does after diffusers' `(x / 2 + 0.5).clamp(0, 1)`.
 * @param frames `[T, H, W, 3]`.
 */
export function toFrameGroup({ data, shape }: HostFrames, firstFrame: number): FrameGroup {
  const [count = 0, height = 0, width = 0] = shape;
  const rgba = new Uint8ClampedArray(count * height * width * 4);
  for (let from = 0, to = 0; from < data.length; from += 3, to += 4) {
    // Uint8ClampedArray rounds half to even and clamps.
    rgba[to] = level(data[from]);
    rgba[to + 1] = level(data[from + 1]);
    rgba[to + 2] = level(data[from + 2]);
    rgba[to + 3] = 255;
  }
  return { firstFrame, count, width, height, rgba };
}

function level(value = 0): number {
  return Math.fround(Math.fround(value / 2 + 0.5) * 255);
}
