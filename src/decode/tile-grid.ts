/**
 * @file Where tiles lie in a frame. A tile is worked on within a window that adds the halo its stage needs, and windows
 * never reach outside the frame: at its border they are moved inwards. So all windows of a stage have one size and share
 * one graph, the graph of a smaller frame, and where a window ends at the frame's border the zeros that its convolutions
 * pad with are the very zeros of the untiled decode.
 */

export interface Size {
  readonly height: number;
  readonly width: number;
}

/** The tiles of one stage's input, in its own pixels. */
export interface TileGrid {
  readonly frame: Size;
  /** Of every tile with its halo; at most the frame. */
  readonly window: Size;
  /** Pixels along a window's inner edges that come out wrong: as far as the stage's convolutions look. */
  readonly halo: number;
}

/** One axis of a tile, in the frame's pixels. */
interface Stretch {
  /** Of its window. */
  readonly start: number;
  /** Of what is its own, which comes out right. */
  readonly from: number;
  /** Exclusive. */
  readonly to: number;
}

export interface Tile {
  readonly rows: Stretch;
  readonly columns: Stretch;
}

/** @param tile Pixels a side; absent: the whole frame is the only tile. */
export function tileGrid(frame: Size, tile: number | undefined, halo: number): TileGrid {
  const side = tile === undefined ? Number.POSITIVE_INFINITY : tile + 2 * halo;
  const window = { height: Math.min(frame.height, side), width: Math.min(frame.width, side) };
  return { frame, window, halo };
}

/** Row by row. Every pixel of the frame is one tile's own. */
export function tilesOf({ frame, window, halo }: TileGrid): Tile[] {
  const across = stretches(frame.width, window.width, halo);
  return stretches(frame.height, window.height, halo).flatMap((rows) =>
    across.map((columns) => ({ rows, columns })),
  );
}

function stretches(length: number, size: number, halo: number): Stretch[] {
  const last = length - size;
  if (last === 0) return [{ start: 0, from: 0, to: length }];
  const step = size - 2 * halo;
  const count = 1 + Math.ceil(last / step);
  return Array.from({ length: count }, (_, i) => {
    const start = Math.min(i * step, last);
    return {
      start,
      // The last window is moved inwards: it finds some of its pixels done.
      from: i === 0 ? 0 : (i - 1) * step + size - halo,
      to: start === last ? length : start + size - halo,
    };
  });
}
