/**
 * @file Consistency sampling for flow matching: every step predicts the clean sample, `x₀ = x − σ · v`, and noises it anew
 * to the next time, `x ← (1 − σ') · x₀ + σ' · ε`, with fresh noise ε. diffusers' `FlowMatchLCMScheduler`; distribution
 * matching distillation (DMD) and rCM sample in the same way, at times of their own: see `docs/few-step.md`.
 * From "Consistency Models" (Song et al., 2023), algorithm 1.
 */
import { type FlowMatchConfig, flowMatchSchedule } from './flow-match-schedule.ts';
import type { NoiseSource, Scheduler, SchedulerName, StepRequest } from './scheduler.ts';
import { checkLengths, checkStepIndex } from './step-order.ts';

export class FlowMatchLCM implements Scheduler {
  readonly name: SchedulerName;
  readonly timesteps: readonly number[];
  readonly sigmas: readonly number[];
  #noise = new Float32Array(0);

  /** @param name Of the class whose steps these are: Euler's with `stochastic_sampling` are the same. */
  constructor(
    config: FlowMatchConfig,
    steps: StepRequest,
    name: SchedulerName = 'FlowMatchLCMScheduler',
  ) {
    const schedule = flowMatchSchedule(config, steps);
    this.name = name;
    this.timesteps = schedule.timesteps;
    this.sigmas = schedule.sigmas;
  }

  step(
    modelOutput: Float32Array,
    stepIndex: number,
    sample: Float32Array,
    noise: NoiseSource,
  ): void {
    checkLengths(modelOutput, sample);
    checkStepIndex(stepIndex, this.timesteps.length);
    const { fround } = Math;
    const sigma = this.sigmas[stepIndex] ?? 0;
    const next = this.sigmas[stepIndex + 1] ?? 0;
    const isLast = next === 0;
    // diffusers draws noise for the last step too, and multiplies it by 0.
    if (!isLast) this.#draw(noise, sample.length);
    const drawn = this.#noise;
    const kept = fround(1 - next);
    // Rounded where PyTorch rounds.
    for (let i = 0; i < sample.length; i++) {
      const clean = fround((sample[i] ?? 0) - fround(sigma * (modelOutput[i] ?? 0)));
      sample[i] = isLast ? clean : fround(kept * clean) + fround(next * (drawn[i] ?? 0));
    }
  }

  #draw(noise: NoiseSource, length: number): void {
    if (this.#noise.length !== length) this.#noise = new Float32Array(length);
    noise.draw(this.#noise);
  }
}
