/** @file The Wan VAE's decoder as a list of stages for one latent frame: the first of a clip, or any that follows. */
import type { Frames, Graph } from '../../graph/index.ts';
import type { DecoderPlan, DecoderStage } from '../../decode/stream.ts';
import type { WanVaeConfig } from './config.ts';
import {
  convInGraph,
  convOutGraph,
  midAttentionGraph,
  resnetGraph,
  upsampleGraph,
} from './vae-graphs.ts';

class Plan {
  readonly stages: DecoderStage[] = [];
  #frames: Frames;
  #opensBlock = false;

  constructor(frames: Frames) {
    this.#frames = frames;
  }

  get frames(): Frames {
    return this.#frames;
  }

  openBlock(): void {
    this.#opensBlock = true;
  }

  add(name: string, graph: Graph, prefix = `${name}.`): void {
    const usesSkip = graph.inputs.some((input) => input.name === 'skip');
    this.stages.push({ name, graph, prefix, opensBlock: this.#opensBlock, usesSkip });
    this.#opensBlock = false;
    const [t, h, w, c] = graph.outputs.find((value) => value.name === 'y')?.shape ?? [];
    if (t && h && w && c) this.#frames = { t, h, w, c };
  }
}

/**
 * @param size Latent rows and columns.
 * @param isFirst Whether this is the clip's first latent frame, which decodes to a single frame.
 */
export function decoderStages(
  config: WanVaeConfig,
  size: { height: number; width: number },
  isFirst: boolean,
): readonly DecoderStage[] {
  const { decoderBaseDim, dimMult, numResBlocks, isResidual } = config;
  const widths = dimMult.map((factor) => factor * decoderBaseDim).toReversed();
  const top = widths[0] ?? decoderBaseDim;
  const plan = new Plan({ t: 1, h: size.height, w: size.width, c: config.zDim });

  plan.add('decoder.conv_in', convInGraph(plan.frames, top), '');
  plan.add('decoder.mid_block.resnets.0', resnetGraph(plan.frames, top));
  plan.add('decoder.mid_block.attentions.0', midAttentionGraph(plan.frames));
  plan.add('decoder.mid_block.resnets.1', resnetGraph(plan.frames, top));

  for (const [i, width] of widths.entries()) {
    const block = `decoder.up_blocks.${i}`;
    const shortcutChannels = plan.frames.c;
    if (isResidual) plan.openBlock();
    for (let j = 0; j <= numResBlocks; j++) {
      plan.add(`${block}.resnets.${j}`, resnetGraph(plan.frames, width));
    }
    if (i === widths.length - 1) break;
    const spec = {
      temporal: config.temporalUpsample[i] ?? false,
      isFirst,
      // The 2.1 form halves the channels here and gives the next block that many.
      outChannels: isResidual ? width : width / 2,
      ...(isResidual ? { shortcutChannels } : {}),
    };
    const name = isResidual ? `${block}.upsampler` : `${block}.upsamplers.0`;
    plan.add(name, upsampleGraph(plan.frames, spec));
  }
  const { outChannels, patchSize } = config;
  plan.add('decoder.conv_out', convOutGraph(plan.frames, outChannels, patchSize), 'decoder.');
  return plan.stages;
}

export function decoderPlan(
  config: WanVaeConfig,
  size: { height: number; width: number },
): DecoderPlan {
  return { first: decoderStages(config, size, true), rest: decoderStages(config, size, false) };
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
