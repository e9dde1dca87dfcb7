/** @file Keeps one pipeline loaded: the one that the form asks for. */
import { type LoadOptions, VideoPipeline } from '../index.ts';
import { referenceOf } from './folder-drop.ts';
import { modelChoice, type Settings } from './settings.ts';

export class Engine {
  #pipeline: VideoPipeline | undefined;
  #key = '';

  /** The pipeline for these settings: loaded, unless it is already. */
  async pipelineFor(
    { model, load, device, dtype, memory, storage }: Omit<Settings, 'generate'>,
    options: Pick<LoadOptions, 'clip' | 'onProgress' | 'signal' | 'pause'>,
  ): Promise<VideoPipeline> {
    const { token: _, ...identity } = load;
    const key = JSON.stringify([model, identity, device, dtype, memory, storage]);
    if (this.#pipeline && this.#key === key && !this.#pipeline.isLost) return this.#pipeline;
    // One model at a time: the old one's memory may be what the new one needs.
    await this.release();
    this.#pipeline = await VideoPipeline.fromPretrained(referenceOf(modelChoice(model).source), {
      ...options,
      ...load,
      device,
      dtype,
      storage,
      memory,
    });
    this.#key = key;
    return this.#pipeline;
  }

  /** Lets go of the pipeline, and of the stored weights that it may read from. */
  async release(): Promise<void> {
    const pipeline = this.#pipeline;
    this.#pipeline = undefined;
    await pipeline?.dispose();
  }
}
