/**
 * @file Euler's method for flow matching: the sample moves along the predicted velocity, `x ← x + (σ' − σ) · v`.
 * diffusers' `FlowMatchEulerDiscreteScheduler`. Its `stochastic_sampling` is in `flow-match-lcm.ts`.
 */
import { type FlowMatchConfig, flowMatchSchedule } from './flow-match-schedule.ts';
import type { Scheduler, StepRequest } from './scheduler.ts';
import { checkLengths, checkStepIndex } from './step-order.ts';

export class FlowMatchEuler implements Scheduler {
  readonly name = 'FlowMatchEulerDiscreteScheduler';
  readonly timesteps: readonly number[];
  readonly sigmas: readonly number[];

  constructor(config: FlowMatchConfig, steps: StepRequest) {
    const schedule = flowMatchSchedule(config, steps);
    this.timesteps = schedule.timesteps;
    this.sigmas = schedule.sigmas;
  }

  step(modelOutput: Float32Array, stepIndex: number, sample: Float32Array): void {
    checkLengths(modelOutput, sample);
    checkStepIndex(stepIndex, this.timesteps.length);
    const change = (this.sigmas[stepIndex + 1] ?? 0) - (this.sigmas[stepIndex] ?? 0);
    for (let i = 0; i < sample.length; i++) {
      sample[i] = (sample[i] ?? 0) + change * (modelOutput[i] ?? 0);
    }
  }
}
