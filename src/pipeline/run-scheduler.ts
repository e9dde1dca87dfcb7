/** @file The sampler of a run. */
import type { ModelCheckpoint } from '../families/family.ts';
import { createScheduler } from '../schedulers/create-scheduler.ts';
import type { Scheduler, SchedulerName } from '../schedulers/scheduler.ts';
import type { GenerationParameters } from './api.ts';

/** The checkpoint's sampler, or the one that the request names. */
export function makeScheduler(
  checkpoint: Pick<ModelCheckpoint, 'schedulerConfig' | 'schedulerName'>,
  parameters: GenerationParameters,
): Scheduler {
  const { scheduler: name, flowShift } = parameters;
  return createScheduler(checkpoint.schedulerConfig, parameters, {
    ...(name === checkpoint.schedulerName ? {} : { name: name as SchedulerName }),
    ...(flowShift === undefined ? {} : { flowShift }),
  });
}
