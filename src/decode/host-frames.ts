/** @file Cuts windows out of frames in RAM, and puts what came out right of them into the frames of the next stage. */
import { elementCount, type Shape } from '../graph/types.ts';
import type { HostFrames } from './decoder-plan.ts';
import type { Size, Tile } from './tile-grid.ts';

export function emptyFrames(shape: Shape): HostFrames {
  return { data: new Float32Array(elementCount(shape)), shape };
}

/** The window of `tile`, `[T, window.height, window.width, C]`. */
export function cutWindow(
  { data, shape }: HostFrames,
  { rows, columns }: Tile,
  window: Size,
): Float32Array<ArrayBuffer> {
  const [t = 0, height = 0, width = 0, c = 0] = shape;
  if (window.height === height && window.width === width) return data;
  const length = window.width * c;
  const result = new Float32Array(t * window.height * length);
  let to = 0;
  for (let frame = 0; frame < t; frame++) {
    for (let row = rows.start; row < rows.start + window.height; row++) {
      const from = ((frame * height + row) * width + columns.start) * c;
      result.set(data.subarray(from, from + length), to);
      to += length;
    }
  }
  return result;
}

/**
 * Puts the right part of a window's result into `frames`.
 * @param result `[T, h, w, C]`, where h and w are `scale` times the window's; so are `frames`' of the tile's frame.
 */
export function pasteWindow(
  frames: HostFrames,
  result: HostFrames,
  { rows, columns }: Tile,
  scale: number,
): void {
  const [t = 0, height = 0, width = 0, c = 0] = frames.shape;
  const [, h = 0, w = 0] = result.shape;
  const left = (columns.from - columns.start) * scale;
  const length = (columns.to - columns.from) * scale * c;
  for (let frame = 0; frame < t; frame++) {
    for (let row = rows.from * scale; row < rows.to * scale; row++) {
      const from = ((frame * h + row - rows.start * scale) * w + left) * c;
      const to = ((frame * height + row) * width + columns.from * scale) * c;
      frames.data.set(result.data.subarray(from, from + length), to);
    }
  }
}
