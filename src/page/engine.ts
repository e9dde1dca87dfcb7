/** @file Keeps one pipeline loaded: the one that the form asks for. */
import { type LoadOptions, VideoPipeline } from '../index.ts';
import { referenceOf } from './folder-drop.ts';
import { modelChoice, type Settings } from './settings.ts';

export class Engine {
  #pipeline: VideoPipeline | undefined;
  #key = '';

  /** The pipeline for these settings, if it is loaded. */
  loaded(settings: Omit<Settings, 'generate'>): VideoPipeline | undefined {
    const pipeline = this.#key === keyOf(settings) ? this.#pipeline : undefined;
    return pipeline?.isLost === true ? undefined : pipeline;
  }

  /** The pipeline for these settings: loaded, unless it is already. */
  async pipelineFor(
    settings: Omit<Settings, 'generate'>,
    options: Pick<LoadOptions, 'clip' | 'onProgress' | 'signal' | 'pause'>,
  ): Promise<VideoPipeline> {
    const loaded = this.loaded(settings);
    if (loaded) return loaded;
    const { model, load, device, dtype, memory, storage } = settings;
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
    this.#key = keyOf(settings);
    return this.#pipeline;
  }

  /** Lets go of the pipeline, and of the stored weights that it may read from. */
  async release(): Promise<void> {
    const pipeline = this.#pipeline;
    this.#pipeline = undefined;
    await pipeline?.dispose();
  }
}

function keyOf({
  model,
  load,
  device,
  dtype,
  memory,
  storage,
}: Omit<Settings, 'generate'>): string {
  const { token: _, ...identity } = load;
  return JSON.stringify([model, identity, device, dtype, memory, storage]);
}
