/** @file From a checkpoint's `scheduler_config.json` to a sampler. */
import { invalidArgument } from '../errors.ts';
import { configReader, type ConfigReader } from './config-reader.ts';
import {
  FlowMatchEuler,
  readFlowMatchEulerConfig,
  type FlowMatchEulerConfig,
} from './flow-match-euler.ts';
import type { Scheduler, SchedulerName } from './scheduler.ts';
import { UniPC } from './unipc.ts';
import { readUniPCConfig, type UniPCConfig } from './unipc-config.ts';

export interface SchedulerOverride {
  /** Uses this sampler in the place of the checkpoint's, with the same shift and else its defaults. */
  name?: SchedulerName;
  /** UniPC's `flow_shift`, Euler's `shift`: a number above 0. */
  flowShift?: number;
}

type AnyConfig =
  | { name: 'UniPCMultistepScheduler'; options: UniPCConfig }
  | { name: 'FlowMatchEulerDiscreteScheduler'; options: FlowMatchEulerConfig };

/**
 * @param config The parsed JSON. Options that would change the result and are not implemented are refused, not ignored.
 * @param numInferenceSteps 1 … `num_train_timesteps`.
 * @throws ZoetropeError `model-format` naming the option that is not supported; `invalid-argument` for the other
 *   parameters.
 */
export function createScheduler(
  config: unknown,
  numInferenceSteps: number,
  override: SchedulerOverride = {},
): Scheduler {
  const { name, flowShift } = override;
  if (flowShift !== undefined && !(Number.isFinite(flowShift) && flowShift > 0)) {
    throw invalidArgument('flowShift', `${flowShift} is not a number above 0.`, 'Try 3.');
  }
  const own = readConfig(configReader(config));
  checkSteps(numInferenceSteps, own.options.numTrainTimesteps);
  const used = name === undefined || name === own.name ? own : asOther(own);
  if (used.name === 'UniPCMultistepScheduler') {
    return new UniPC(
      { ...used.options, ...(flowShift === undefined ? {} : { flowShift }) },
      numInferenceSteps,
    );
  }
  return new FlowMatchEuler(
    { ...used.options, ...(flowShift === undefined ? {} : { shift: flowShift }) },
    numInferenceSteps,
  );
}

function readConfig(reader: ConfigReader): AnyConfig {
  const name = reader.choice<SchedulerName>(
    '_class_name',
    ['UniPCMultistepScheduler', 'FlowMatchEulerDiscreteScheduler'],
    '',
  );
  return name === 'UniPCMultistepScheduler'
    ? { name, options: readUniPCConfig(reader) }
    : { name: 'FlowMatchEulerDiscreteScheduler', options: readFlowMatchEulerConfig(reader) };
}

/** The other sampler over the same training schedule. */
function asOther(own: AnyConfig): AnyConfig {
  const { numTrainTimesteps } = own.options;
  if (own.name === 'UniPCMultistepScheduler') {
    return {
      name: 'FlowMatchEulerDiscreteScheduler',
      options: { numTrainTimesteps, shift: own.options.flowShift },
    };
  }
  const defaults = readUniPCConfig(
    configReader({ prediction_type: 'flow_prediction', use_flow_sigmas: true }),
  );
  return {
    name: 'UniPCMultistepScheduler',
    options: { ...defaults, numTrainTimesteps, flowShift: own.options.shift },
  };
}

function checkSteps(steps: number, most: number): void {
  if (Number.isInteger(steps) && steps >= 1 && steps <= most) return;
  throw invalidArgument(
    'numInferenceSteps',
    `${steps} is not a whole number from 1 to ${most}.`,
    'Try 20 to 50 steps.',
  );
}
