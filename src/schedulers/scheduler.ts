/**
 * @file What a sampler is to the denoising loop: a list of times at which to ask the model, and a way from one sample to
 * the next. Samplers know nothing of models, devices or shapes: a sample is a flat array.
 */

/** diffusers' class names of the samplers that there are. */
export const SCHEDULER_NAMES = [
  'UniPCMultistepScheduler',
  'FlowMatchEulerDiscreteScheduler',
  'FlowMatchLCMScheduler',
] as const;

export type SchedulerName = (typeof SCHEDULER_NAMES)[number];

/** The times of a run, as diffusers' `set_timesteps` takes them. What is absent follows from what is there. */
export interface StepRequest {
  /** At least 1. As many as there are `timesteps` and `sigmas`, if there are any. */
  readonly numInferenceSteps: number;
  /**
   * Fed to the model as they are: descending, above 0, at most `num_train_timesteps`. Without `sigmas`, the sigmas are
   * `timestep / num_train_timesteps`, *shifted*. UniPC does not take them.
   */
  readonly timesteps?: readonly number[];
  /**
   * Before they are shifted: descending, above 0, at most 1. Without `timesteps`, the timesteps are those of the shifted
   * sigmas.
   */
  readonly sigmas?: readonly number[];
}

/** The generator that made the initial latents, where it stopped. */
export interface NoiseSource {
  /** Overwrites `values` with the next standard normal values, as one draw of that size. */
  draw(values: Float32Array): void;
}

export interface Scheduler {
  /** diffusers' class name of the sampler that is really used. */
  readonly name: SchedulerName;
  /**
   * One a step, as fed to the model, in units of training steps (0 … 1000). Whole numbers for UniPC (diffusers' int64),
   * float32 values for the others.
   */
  readonly timesteps: readonly number[];
  /** One more than `timesteps`: the share of noise before each step and after the last. float32 values. */
  readonly sigmas: readonly number[];
  /**
   * Writes the sample after step `stepIndex` over `sample`. Steps run in order from 0; step 0 starts a new clip.
   * Nothing is allocated but, in step 0, the buffers of a sampler with a memory or with noise of its own.
   *
   * @param modelOutput The model's answer (a velocity) at `timesteps[stepIndex]`; any layout, that of `sample`. Kept as
   *   it is.
   * @param sample float32, changed in place.
   * @param noise Where a sampler that adds fresh noise draws it from; the others draw nothing.
   * @throws ZoetropeError `invalid-argument` when lengths differ or a step is out of turn.
   */
  step(
    modelOutput: Float32Array,
    stepIndex: number,
    sample: Float32Array,
    noise: NoiseSource,
  ): void;
}
