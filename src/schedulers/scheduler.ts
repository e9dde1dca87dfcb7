/**
 * @file What a sampler is to the denoising loop: a list of times at which to ask the model, and a way from one sample to
 * the next. Samplers know nothing of models, devices or shapes: a sample is a flat array.
 */

export type SchedulerName = 'UniPCMultistepScheduler' | 'FlowMatchEulerDiscreteScheduler';

export interface Scheduler {
  /** diffusers' class name of the sampler that is really used. */
  readonly name: SchedulerName;
  /**
   * One a step, as fed to the model, in units of training steps (0 … 1000). Whole numbers for UniPC (diffusers' int64),
   * float32 values for Euler.
   */
  readonly timesteps: readonly number[];
  /** One more than `timesteps`: the share of noise before each step and after the last. float32 values. */
  readonly sigmas: readonly number[];
  /**
   * Writes the sample after step `stepIndex` over `sample`. Steps run in order from 0; step 0 starts a new clip.
   * Nothing is allocated but, in step 0, the buffers of a sampler with a memory.
   *
   * @param modelOutput The model's answer (a velocity) at `timesteps[stepIndex]`; any layout, that of `sample`. Kept as
   *   it is.
   * @param sample float32, changed in place.
   * @throws ZoetropeError `invalid-argument` when lengths differ or a step is out of turn.
   */
  step(modelOutput: Float32Array, stepIndex: number, sample: Float32Array): void;
}
