/** @file The Wan VAE's decoder as a list of stages for one latent frame: the first of a clip, or any that follows. */
import type { Frames, Graph } from '../../graph/index.ts';
import type { DecoderPlan, DecoderStage } from '../../decode/decoder-plan.ts';
import { tileAttentionGraph } from '../../decode/tile-attention.ts';
import { type Size, type TileGrid, tileGrid } from '../../decode/tile-grid.ts';
import type { WanVaeConfig } from './config.ts';
import {
  convInGraph,
  convOutGraph,
  midAttentionGraph,
  midProjectionGraph,
  midQueriesGraph,
  resnetGraph,
  upsampleGraph,
} from './vae-graphs.ts';

/** How far a stage looks around each pixel of its input: its 3×3 convolutions, one after the other. */
const HALO = { conv: 1, resnet: 2, upsample: 1 };

/** A side of the tiles that attend to each other, in tiles of latents: fewer pairs, in less than the last stages take. */
const ATTENTION_TILE = 2;

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

  /** @param graphOf The stage's graph for a window. */
  add(name: string, halo: number, graphOf: (window: Frames) => Graph, prefix = `${name}.`): void {
    this.#add(name, prefix, graphOf, tileGrid(this.#size(), this.#tile, halo));
  }

  /** The attention block: one stage of whole frames, or three in tiles. */
  addAttention(name: string): void {
    const prefix = `${name}.`;
    if (this.#tile === undefined) {
      this.add(name, 0, midAttentionGraph);
      return;
    }
    this.openBlock();
    this.add(`${name}.queries`, 0, midQueriesGraph, prefix);
    const grid = tileGrid(this.#size(), ATTENTION_TILE * this.#tile, 0);
    this.#add(`${name}.attention`, prefix, tileAttentionGraph, grid, true);
    this.add(`${name}.projection`, 0, midProjectionGraph, prefix);
  }

  #size(): Size {
    return { height: this.#frames.h, width: this.#frames.w };
  }

  #add(
    name: string,
    prefix: string,
    graphOf: (window: Frames) => Graph,
    grid: TileGrid,
    attends = false,
  ): void {
    const { t, c } = this.#frames;
    const graph = graphOf({ t, h: grid.window.height, w: grid.window.width, c });
    const usesSkip = graph.inputs.some((input) => input.name === 'skip');
    this.list.push({ name, graph, prefix, grid, attends, opensBlock: this.#opensBlock, usesSkip });
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
  stages.addAttention('decoder.mid_block.attentions.0');
  addResnet('decoder.mid_block.resnets.1', top);

  for (const [i, width] of widths.entries()) {
    const block = `decoder.up_blocks.${i}`;
    const shortcutChannels = stages.channels;
    if (isResidual && i < widths.length - 1) stages.openBlock();
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
