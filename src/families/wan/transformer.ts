/** @file Wan's diffusion transformer as a staged model: from latents, a timestep and texts to predicted velocities. */
import type { Precision } from '../../graph/index.ts';
import type { DeviceTensor } from '../../runtime/backend.ts';
import type { Stage } from '../../runtime/stage.ts';
import { output, type StageRunner } from '../../runtime/stage-runner.ts';
import type { WanTransformerConfig } from './config.ts';
import type { LatentShape } from '../family.ts';
import { patchify, tokenGrid, unpatchify } from './patchify.ts';
import { rotaryTables } from './rope.ts';
import {
  blockGraph,
  headGraph,
  innerDim,
  patchEmbeddingGraph,
  textGraph,
  timeGraph,
} from './transformer-graphs.ts';

export interface TransformerShape {
  readonly latents: LatentShape;
  /** Tokens of text, padding included. */
  readonly textTokens: number;
}

export interface TransformerStages {
  readonly text: Stage;
  readonly time: Stage;
  readonly patchEmbedding: Stage;
  readonly blocks: readonly Stage[];
  readonly head: Stage;
}

/** Tokens of video that latents make. */
export function videoTokens(config: WanTransformerConfig, latents: LatentShape): number {
  return tokenGrid(latents, config.patchSize).reduce((a, b) => a * b, 1);
}

export function transformerStages(
  config: WanTransformerConfig,
  shape: TransformerShape,
  precision: Precision,
): TransformerStages {
  const tokens = videoTokens(config, shape.latents);
  const { textTokens } = shape;
  const block = blockGraph(config, tokens, textTokens, precision);
  const condition = 'condition_embedder.';
  return {
    text: {
      name: 'text',
      graph: textGraph(config, textTokens, precision),
      prefix: condition,
      once: true,
    },
    time: { name: 'time', graph: timeGraph(config, precision), prefix: condition },
    patchEmbedding: {
      name: 'patch_embedding',
      graph: patchEmbeddingGraph(config, tokens),
      prefix: '',
    },
    blocks: Array.from({ length: config.numLayers }, (_, i) => ({
      name: `blocks.${i}`,
      graph: block,
      prefix: `blocks.${i}.`,
    })),
    head: { name: 'head', graph: headGraph(config, tokens), prefix: '' },
  };
}

export function allStages(stages: TransformerStages): readonly Stage[] {
  return [stages.text, stages.time, stages.patchEmbedding, ...stages.blocks, stages.head];
}

/**
 * Bytes that a run holds besides weights and graphs' intermediates.
 * @param batch Texts in one pass. @param texts Texts in all.
 */
export function transformerActivationBytes(
  config: WanTransformerConfig,
  shape: TransformerShape,
  batch: number,
  texts = batch,
): number {
  const width = innerDim(config);
  const tokens = videoTokens(config, shape.latents);
  const volume = config.patchSize.reduce((a, b) => a * b, 1);
  const patches = tokens * volume * (config.inChannels + (batch + 1) * config.outChannels);
  const text = shape.textTokens * texts;
  const hidden = 2 * batch * tokens * width;
  const rotary = tokens * config.attentionHeadDim;
  const time = config.freqDim + 7 * width;
  const cycle = hidden + patches + text * width + rotary + time;
  // Prompt embeddings are gone before the first step.
  return Float32Array.BYTES_PER_ELEMENT * Math.max(cycle, text * (config.textDim + width));
}

/**
 * Sinusoidal timestep embedding, cosines first (Ho et al. 2020; diffusers `Timesteps(flip_sin_to_cos=True,
 * downscale_freq_shift=0)`).
 */
export function timestepSinusoid(timestep: number, dim: number): Float32Array<ArrayBuffer> {
  const half = dim / 2;
  const embedding = new Float32Array(dim);
  for (let i = 0; i < half; i++) {
    const frequency = Math.fround(Math.exp(Math.fround((-Math.log(10000) * i) / half)));
    const angle = Math.fround(timestep * frequency);
    embedding[i] = Math.cos(angle);
    embedding[half + i] = Math.sin(angle);
  }
  return embedding;
}

/** Called with each stage's name and output for each member of the batch; for tests and traces. */
export type Tap = (stage: string, outputs: readonly DeviceTensor[]) => Promise<void>;

export class WanTransformer {
  readonly #config: WanTransformerConfig;
  readonly #shape: TransformerShape;
  readonly #stages: TransformerStages;
  readonly #runner: StageRunner;
  readonly #patches: Float32Array<ArrayBuffer>;
  readonly #output: LatentShape;
  #rotary: { cos: DeviceTensor; sin: DeviceTensor } | undefined;

  constructor(
    config: WanTransformerConfig,
    shape: TransformerShape,
    precision: Precision,
    runner: StageRunner,
  ) {
    this.#config = config;
    this.#shape = shape;
    this.#stages = transformerStages(config, shape, precision);
    this.#runner = runner;
    const { channels, frames, height, width } = shape.latents;
    this.#patches = new Float32Array(channels * frames * height * width);
    this.#output = { ...shape.latents, channels: config.outChannels };
  }

  get stageCount(): number {
    return allStages(this.#stages).length;
  }

  /** Compiles all stages and uploads the rotary tables, and the weights that stay. */
  async load(onStage?: (done: number) => void): Promise<void> {
    await this.#runner.load(allStages(this.#stages), onStage);
    const { attentionHeadDim, patchSize } = this.#config;
    const tables = rotaryTables(attentionHeadDim, tokenGrid(this.#shape.latents, patchSize));
    const shape = [videoTokens(this.#config, this.#shape.latents), attentionHeadDim / 2];
    this.#rotary = {
      cos: this.#runner.put('float32', shape, tables.cos),
      sin: this.#runner.put('float32', shape, tables.sin),
    };
  }

  /**
   * Projects prompt embeddings, each `[L, textDim]`, to the model's width: once a run, before the weights that stay are
   * loaded. The caller frees the results.
   */
  async projectTexts(texts: readonly Float32Array<ArrayBuffer>[]): Promise<DeviceTensor[]> {
    const shape = [1, this.#shape.textTokens, this.#config.textDim];
    const inputs = texts.map((text) => ({ embeds: this.#runner.put('float32', shape, text) }));
    const results = await this.#runner.run(this.#stages.text, inputs);
    return results.map((outputs) => output(outputs, 'text'));
  }

  /**
   * Predicts the velocity for each of `texts` from the same latents; every block's weights are visited once.
   * @param latents `[C, F, H, W]`. @param results `[outChannels, F, H, W]` for each text, written in place.
   */
  async forward(
    latents: Float32Array,
    timestep: number,
    texts: readonly DeviceTensor[],
    results: readonly Float32Array[],
    tap?: Tap,
  ): Promise<void> {
    const runner = this.#runner;
    const { text: _, ...stages } = this.#stages;
    const { cos, sin } = this.#rotary ?? unloaded();
    const { temb, modulation } = await this.#time(timestep);
    const embedded = await this.#embedPatches(latents);
    let hidden: DeviceTensor[] = texts.map(() => embedded);
    await tap?.('patch_embedding', hidden);
    for (const block of stages.blocks) {
      const inputs = texts.map((text, i) => ({
        hidden: hidden[i] ?? unloaded(),
        text,
        modulation,
        cos,
        sin,
      }));
      const outputs = await runner.run(block, inputs);
      runner.free(...hidden);
      hidden = outputs.map((values) => output(values, 'output'));
      await tap?.(block.name, hidden);
    }
    const heads = await runner.run(
      stages.head,
      hidden.map((value) => ({ hidden: value, temb })),
    );
    runner.free(...hidden, temb, modulation);
    for (const [i, values] of heads.entries()) {
      const patches = output(values, 'patches');
      const result = results[i];
      if (result)
        unpatchify(
          await runner.backend.download(patches),
          this.#output,
          this.#config.patchSize,
          result,
        );
      runner.free(patches);
    }
  }

  async #time(timestep: number): Promise<{ temb: DeviceTensor; modulation: DeviceTensor }> {
    const { freqDim } = this.#config;
    const data = timestepSinusoid(timestep, freqDim);
    const sinusoid = this.#runner.put('float32', [1, freqDim], data);
    const [outputs] = await this.#runner.run(this.#stages.time, [{ sinusoid }]);
    this.#runner.free(sinusoid);
    return { temb: output(outputs, 'temb'), modulation: output(outputs, 'modulation') };
  }

  async #embedPatches(latents: Float32Array): Promise<DeviceTensor> {
    patchify(latents, this.#shape.latents, this.#config.patchSize, this.#patches);
    const { graph } = this.#stages.patchEmbedding;
    const shape = graph.inputs[0]?.shape ?? [];
    const patches = this.#runner.put('float32', shape, this.#patches);
    const [outputs] = await this.#runner.run(this.#stages.patchEmbedding, [{ patches }]);
    this.#runner.free(patches);
    return output(outputs, 'hidden');
  }
}

function unloaded(): never {
  throw new Error('the transformer is not loaded');
}
