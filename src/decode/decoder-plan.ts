/** @file A decoder as stages over tiles, and the pictures that come out of it. */
import type { Shape } from '../graph/types.ts';
import type { Stage } from '../runtime/stage.ts';
import type { TileGrid } from './tile-grid.ts';

/** A decoder's stage, and what the loop does around it. Its graph is that of one tile. */
export interface DecoderStage extends Stage {
  /** How its input is cut into tiles. */
  readonly grid: TileGrid;
  /** Every tile of its input attends to every tile: `tileAttentionGraph`. */
  readonly attends: boolean;
  /** Keeps the stage's input as the shortcut of the block that it opens. */
  readonly opensBlock: boolean;
  /** Feeds the kept input as `skip`. */
  readonly usesSkip: boolean;
}

/** Stage lists over equal names and weights, which differ in the frames that they make. */
export interface DecoderPlan {
  readonly first: readonly DecoderStage[];
  readonly rest: readonly DecoderStage[];
  /** Whether frames are decoded in tiles; otherwise every stage's only tile is the whole frame. */
  readonly isTiled: boolean;
}

/** Frames `[T, H, W, C]` in RAM, float32. */
export interface HostFrames {
  readonly data: Float32Array<ArrayBuffer>;
  readonly shape: Shape;
}
