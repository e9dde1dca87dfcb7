/** @file Enlarges pictures by whole factors, so that no player has to blur small ones. */

/**
 * Shows each pixel as a square of `scale × scale`. Where the target is larger still, the last column and row go on.
 *
 * @param rgba `height × width` pixels, row-major, top row first, 4 bytes each.
 * @param target At least `width · scale` by `height · scale` pixels.
 * @returns A new array of `target.height × target.width` pixels.
 */
export function repeatPixels(
  rgba: Uint8ClampedArray<ArrayBuffer>,
  width: number,
  height: number,
  scale: number,
  target: { readonly width: number; readonly height: number },
): Uint8ClampedArray<ArrayBuffer> {
  if (scale === 1 && target.width === width && target.height === height) return rgba.slice();
  // A pixel at a time as one 32-bit value; the copy also makes the source aligned.
  const source = new Uint32Array(rgba.slice().buffer);
  const pixels = new Uint32Array(target.width * target.height);
  for (let y = 0; y < target.height; y++) {
    const rowStart = y * target.width;
    if (y % scale !== 0 || y >= height * scale) {
      pixels.copyWithin(rowStart, rowStart - target.width, rowStart);
      continue;
    }
    const sourceStart = (y / scale) * width;
    for (let x = 0; x < target.width; x++) {
      const column = Math.min(Math.floor(x / scale), width - 1);
      pixels[rowStart + x] = source[sourceStart + column] ?? 0;
    }
  }
  return new Uint8ClampedArray(pixels.buffer);
}
