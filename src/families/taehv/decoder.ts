/** @file TAEHV's decoder as a list of stages for one latent frame, for the same loops as any other decoder. */
import type { DecoderPlan, DecoderStage } from '../../decode/decoder-plan.ts';
import { type Size, tileGrid } from '../../decode/tile-grid.ts';
import type { Frames, Graph } from '../../graph/index.ts';
import { firstGraph, type Growth, levelGraph, memoryBlockGraph, picturesGraph } from './graphs.ts';
import { LEVELS, spatialScale, type TaehvLayout } from './layout.ts';

/** How far a stage looks around each pixel of its input: its 3×3 convolutions, as wide as they are at its own size. */
const HALO = { first: 1, block: 3, level: 1, pictures: { doubled: 1, asItIs: 2 } };

/** How much is made of latents. */
export interface Fineness {
  /** Whether frames grow as trained; else each latent frame gives one picture, the last of those that it stands for. */
  readonly time: boolean;
  /** Levels, of three, that double height and width; the finest are left out first. */
  readonly doublings: 0 | 1 | 2 | 3;
}

const FULL: Fineness = { time: true, doublings: 3 };

/** @param tile Latents a side of a tile; absent: whole frames. */
function stages(
  layout: TaehvLayout,
  size: Size,
  tile: number | undefined,
  fineness: Fineness,
  isFirst: boolean,
): readonly DecoderStage[] {
  const { latentChannels, widths, growth: factors, patchSize } = layout;
  const list: DecoderStage[] = [];
  let frames: Frames = { t: 1, h: size.height, w: size.width, c: latentChannels };
  let side = tile;

  const add = (
    name: string,
    halo: number,
    prefix: string,
    graphOf: (window: Frames) => Graph,
  ): void => {
    const grid = tileGrid({ height: frames.h, width: frames.w }, side, halo);
    const graph = graphOf({ ...frames, h: grid.window.height, w: grid.window.width });
    list.push({ name, graph, prefix, grid, attends: false, opensBlock: false, usesSkip: false });
    const [t = 0, height = 0, , c = 0] =
      graph.outputs.find(({ name: y }) => y === 'y')?.shape ?? [];
    const scale = height / grid.window.height;
    frames = { t, h: frames.h * scale, w: frames.w * scale, c };
    if (side !== undefined) side *= scale;
  };

  add('decoder.first', HALO.first, 'decoder.', (x) => firstGraph(x, widths[0]));
  for (const [i, level] of LEVELS.entries()) {
    for (const block of level.blocks) {
      add(`decoder.${block}`, HALO.block, `decoder.${block}.`, memoryBlockGraph);
    }
    const growth: Growth = {
      factor: factors[i] ?? 1,
      lastOnly: !fineness.time,
      doubles: i < fineness.doublings,
    };
    const width = widths[i + 1] ?? 0;
    if (i < LEVELS.length - 1) {
      add(`decoder.${level.conv}`, HALO.level, 'decoder.', (x) =>
        levelGraph(x, level, growth, width),
      );
      continue;
    }
    const halo = growth.doubles ? HALO.pictures.doubled : HALO.pictures.asItIs;
    add('decoder.pictures', halo, 'decoder.', (x) =>
      picturesGraph(x, level, { ...growth, width, patchSize, isFirst }),
    );
  }
  return list;
}

/**
 * @param size Latent rows and columns.
 * @param tile Pixels a side of a tile, rounded up to whole latents; absent, or no smaller than the frame: whole frames.
 */
export function taehvPlan(
  layout: TaehvLayout,
  size: Size,
  tile?: number,
  fineness = FULL,
): DecoderPlan {
  const latents = tile === undefined ? Infinity : Math.ceil(tile / spatialScale(layout));
  const isTiled = latents < Math.max(size.height, size.width);
  const side = isTiled ? latents : undefined;
  return {
    first: stages(layout, size, side, fineness, true),
    rest: stages(layout, size, side, fineness, false),
    isTiled,
  };
}

/** Latent frame `frame` of latents `[z, F, h, w]`, as the denoiser makes them, channels last: `[1, h, w, z]`. */
export function channelsLast(
  latents: Float32Array,
  shape: { channels: number; frames: number; height: number; width: number },
  frame: number,
): Float32Array<ArrayBuffer> {
  const { channels, frames, height, width } = shape;
  const area = height * width;
  const result = new Float32Array(area * channels);
  for (let c = 0; c < channels; c++) {
    const from = (c * frames + frame) * area;
    for (let i = 0; i < area; i++) result[i * channels + c] = latents[from + i] ?? 0;
  }
  return result;
}
