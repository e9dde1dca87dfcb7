/**
 * @file 3-D rotary position tables: the head's pairs are shared out to frame, row and column (Wan 2.1 report, §4.2.2;
 * diffusers `WanRotaryPosEmbed`).
 */

export interface RotaryTables {
  /** `[tokens, headDim / 2]`, float32. */
  readonly cos: Float32Array<ArrayBuffer>;
  readonly sin: Float32Array<ArrayBuffer>;
}

const THETA = 10000;

/** Pairs that turn with frame, row and column: rows and columns take ⌊headDim / 6⌋ each, frames the rest. */
export function rotaryPairs(headDim: number): readonly [number, number, number] {
  const side = Math.floor(headDim / 6);
  return [headDim / 2 - 2 * side, side, side];
}

/** @param grid Tokens along frames, rows, columns; the token order is row-major over them. */
export function rotaryTables(
  headDim: number,
  grid: readonly [number, number, number],
): RotaryTables {
  const pairs = rotaryPairs(headDim);
  const [frames, rows, columns] = grid;
  const width = headDim / 2;
  const cos = new Float32Array(frames * rows * columns * width);
  const sin = new Float32Array(cos.length);
  const frequencies = pairs.map((count) =>
    Float64Array.from({ length: count }, (_, i) => THETA ** (-(2 * i) / (2 * count))),
  );
  let at = 0;
  for (let frame = 0; frame < frames; frame++) {
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        for (const [axis, position] of [frame, row, column].entries()) {
          for (const frequency of frequencies[axis] ?? []) {
            cos[at] = Math.cos(position * frequency);
            sin[at] = Math.sin(position * frequency);
            at++;
          }
        }
      }
    }
  }
  return { cos, sin };
}
