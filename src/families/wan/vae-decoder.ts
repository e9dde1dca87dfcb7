/** @file The Wan VAE's decoder as a list of stages for one latent frame: the first of a clip, or any that follows. */
import type { Frames, Graph } from '../../graph/index.ts';
import type { DecoderPlan, DecoderStage } from '../../decode/decoder-plan.ts';
import { type Size, type TileGrid, tileGrid } from '../../decode/tile-grid.ts';
import type { WanVaeConfig } from './config.ts';
import {
  convInGraph,
  convOutGraph,
  midAttentionGraph,
  resnetGraph,
  upsampleGraph,
} from './vae-graphs.ts';

/** How far a stage looks around each pixel of its input: its 3×3 convolutions, one after the other. */
const HALO = { conv: 1, resnet: 2, upsample: 1 };

class Stages {
  readonly list: DecoderStage[] = [];
  /** Whole frames, as they leave the last stage. */
  #frames: Frames;
  /** Pixels a side, likewise. */
  #tile: number | undefined;
  #opensBlock = false;

  constructor(frames: Frames, tile: number | undefined) {
    this.#frames = frames;
    this.#tile = tile;
  }

  get channels(): number {
    return this.#frames.c;
  }

  openBlock(): void {
    this.#opensBlock = true;
  }

  /** @param halo `whole` for a stage that mixes all pixels of a frame. @param graphOf The stage's graph for a window. */
  add(
    name: string,
    halo: number | 'whole',
    graphOf: (window: Frames) => Graph,
    prefix = `${name}.`,
  ): void {
    const { t, h, w, c } = this.#frames;
    const grid: TileGrid =
      halo === 'whole'
        ? tileGrid({ height: h, width: w }, undefined, 0)
        : tileGrid({ height: h, width: w }, this.#tile, halo);
    const graph = graphOf({ t, h: grid.window.height, w: grid.window.width, c });
    const usesSkip = graph.inputs.some((input) => input.name === 'skip');
    this.list.push({ name, graph, prefix, grid, opensBlock: this.#opensBlock, usesSkip });
    this.#opensBlock = false;
    this.#advance(graph, grid);
  }

  #advance(graph: Graph, { window }: TileGrid): void {
    const y = graph.outputs.find((value) => value.name === 'y')?.shape ?? [];
    const [t = 0, height = 0, , c = 0] = y;
    const scale = height / window.height;
    const { h, w } = this.#frames;
    this.#frames = { t, h: h * scale, w: w * scale, c };
    if (this.#tile !== undefined) this.#tile *= scale;
  }
}

/**
 * @param size Latent rows and columns.
 * @param tile Latents a side of a tile; absent: whole frames.
 * @param isFirst Whether this is the clip's first latent frame, which decodes to a single frame.
 */
function decoderStages(
  config: WanVaeConfig,
  size: Size,
  tile: number | undefined,
  isFirst: boolean,
): readonly DecoderStage[] {
  const { decoderBaseDim, dimMult, numResBlocks, isResidual } = config;
  const widths = dimMult.map((factor) => factor * decoderBaseDim).toReversed();
  const top = widths[0] ?? decoderBaseDim;
  const stages = new Stages({ t: 1, h: size.height, w: size.width, c: config.zDim }, tile);
  const addResnet = (name: string, width: number): void =>
    stages.add(name, HALO.resnet, (frames) => resnetGraph(frames, width));

  stages.add('decoder.conv_in', HALO.conv, (frames) => convInGraph(frames, top), '');
  addResnet('decoder.mid_block.resnets.0', top);
  stages.add('decoder.mid_block.attentions.0', 'whole', midAttentionGraph);
  addResnet('decoder.mid_block.resnets.1', top);

  for (const [i, width] of widths.entries()) {
    const block = `decoder.up_blocks.${i}`;
    const shortcutChannels = stages.channels;
    if (isResidual) stages.openBlock();
    for (let j = 0; j <= numResBlocks; j++) addResnet(`${block}.resnets.${j}`, width);
    if (i === widths.length - 1) break;
    const spec = {
      temporal: config.temporalUpsample[i] ?? false,
      isFirst,
      // The 2.1 form halves the channels here and gives the next block that many.
      outChannels: isResidual ? width : width / 2,
      ...(isResidual ? { shortcutChannels } : {}),
    };
    const name = isResidual ? `${block}.upsampler` : `${block}.upsamplers.0`;
    stages.add(name, HALO.upsample, (frames) => upsampleGraph(frames, spec));
  }
  const { outChannels, patchSize } = config;
  stages.add(
    'decoder.conv_out',
    HALO.conv,
    (frames) => convOutGraph(frames, outChannels, patchSize),
    'decoder.',
  );
  return stages.list;
}

/**
 * @param size Latent rows and columns.
 * @param tile Pixels a side of a tile, rounded up to whole latents; absent, or no smaller than the frame: whole frames.
 */
export function decoderPlan(config: WanVaeConfig, size: Size, tile?: number): DecoderPlan {
  const latents =
    tile === undefined ? Number.POSITIVE_INFINITY : Math.ceil(tile / config.scaleFactorSpatial);
  const isTiled = latents < Math.max(size.height, size.width);
  const side = isTiled ? latents : undefined;
  return {
    first: decoderStages(config, size, side, true),
    rest: decoderStages(config, size, side, false),
    isTiled,
  };
}

/** Latent frame `frame` of normalised latents `[z, F, h, w]`, scaled back and with channels last: `[1, h, w, z]`. */
export function latentFrame(
  config: WanVaeConfig,
  latents: Float32Array,
  shape: { frames: number; height: number; width: number },
  frame: number,
): Float32Array<ArrayBuffer> {
  const { zDim, latentsMean, latentsStd } = config;
  const area = shape.height * shape.width;
  const result = new Float32Array(area * zDim);
  for (let c = 0; c < zDim; c++) {
    const mean = latentsMean[c] ?? 0;
    const std = latentsStd[c] ?? 1;
    const from = (c * shape.frames + frame) * area;
    for (let i = 0; i < area; i++) result[i * zDim + c] = (latents[from + i] ?? 0) * std + mean;
  }
  return result;
}
