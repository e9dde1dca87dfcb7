/** @file From a checkpoint's `scheduler_config.json` to a sampler. */
import { Fields } from '../config/fields.ts';
import { invalidArgument, modelFormat } from '../errors.ts';
import { FLOW_SHIFT } from './config-ranges.ts';
import { FlowMatchEuler } from './flow-match-euler.ts';
import { FlowMatchLCM } from './flow-match-lcm.ts';
import { type FlowMatchConfig, readFlowMatchConfig } from './flow-match-schedule.ts';
import {
  SCHEDULER_NAMES,
  type Scheduler,
  type SchedulerName,
  type StepRequest,
} from './scheduler.ts';
import { checkStepRequest } from './step-request.ts';
import { UniPC } from './unipc.ts';
import { readUniPCConfig, type UniPCConfig } from './unipc-config.ts';

const CONFIG_HINT = 'Choose a checkpoint whose sampler is flow-matching UniPC, Euler or LCM.';

export interface SchedulerOverride {
  /** Uses this sampler in the place of the checkpoint's, with the same shift and else its defaults. */
  name?: SchedulerName;
  /** UniPC's `flow_shift`, the others' `shift`: a number from 0.01 to 100. */
  flowShift?: number;
}

type AnyConfig =
  | { name: 'UniPCMultistepScheduler'; options: UniPCConfig }
  | {
      name: 'FlowMatchEulerDiscreteScheduler';
      options: FlowMatchConfig & { stochasticSampling: boolean };
    }
  | { name: 'FlowMatchLCMScheduler'; options: FlowMatchConfig };

/**
 * @param config The parsed JSON. Options that would change the result and are not implemented are refused, not ignored.
 * @param steps How many, 1 … `num_train_timesteps`, or which.
 * @throws ZoetropeError `model-format` naming the option that is not supported; `invalid-argument` for the other
 *   parameters.
 */
export function createScheduler(
  config: unknown,
  steps: number | StepRequest,
  override: SchedulerOverride = {},
): Scheduler {
  const { name, flowShift } = override;
  if (name !== undefined) checkSchedulerName(name);
  const { least, most } = FLOW_SHIFT;
  if (flowShift !== undefined && !(flowShift >= least && flowShift <= most)) {
    const problem = `${flowShift} is not a number from ${least} to ${most}.`;
    throw invalidArgument('flowShift', problem, 'Try 3.');
  }
  const own = readConfig(config);
  const request = typeof steps === 'number' ? { numInferenceSteps: steps } : steps;
  checkStepRequest(request, own.options.numTrainTimesteps);
  const scheduler = build(name === undefined ? own : asOther(own, name), request, flowShift);
  if (![...scheduler.sigmas, ...scheduler.timesteps].every(Number.isFinite)) {
    throw modelFormat(
      'scheduler_config.json: its shift gives sigmas that are not finite.',
      'Give a flowShift, such as 3, or choose another model.',
    );
  }
  return scheduler;
}

/** @throws ZoetropeError `invalid-argument`, listing the samplers that there are. */
export function checkSchedulerName(name: string): void {
  if ((SCHEDULER_NAMES as readonly string[]).includes(name)) return;
  throw invalidArgument(
    'scheduler',
    `there is no ${name}.`,
    `Choose one of ${SCHEDULER_NAMES.join(', ')}; or leave it out for the checkpoint's own.`,
  );
}

/**
 * Checks a parsed `scheduler_config.json` as {@link createScheduler} does, to know it before anything is fetched.
 * @throws ZoetropeError `model-format`, naming the option.
 */
export function checkSchedulerConfig(config: unknown): void {
  readConfig(config);
}

function readConfig(config: unknown): AnyConfig {
  const fields = new Fields(config, 'scheduler_config.json', { hint: CONFIG_HINT });
  const name = fields.choice<SchedulerName>('_class_name', SCHEDULER_NAMES, '');
  if (name === 'UniPCMultistepScheduler') return { name, options: readUniPCConfig(fields) };
  if (name === 'FlowMatchEulerDiscreteScheduler') {
    const stochasticSampling = fields.boolean('stochastic_sampling', false);
    return { name, options: { ...readFlowMatchConfig(fields), stochasticSampling } };
  }
  // Resizes the sample between steps.
  fields.refuse('scale_factors');
  return { name, options: readFlowMatchConfig(fields) };
}

/** Another sampler over the same training schedule. */
function asOther(own: AnyConfig, name: SchedulerName): AnyConfig {
  if (own.name === name) return own;
  const { numTrainTimesteps } = own.options;
  const shift = 'flowShift' in own.options ? own.options.flowShift : own.options.shift;
  if (name === 'UniPCMultistepScheduler') {
    const defaults = readUniPCConfig(
      new Fields({ prediction_type: 'flow_prediction', use_flow_sigmas: true }, 'defaults'),
    );
    return { name, options: { ...defaults, numTrainTimesteps, flowShift: shift } };
  }
  return name === 'FlowMatchLCMScheduler'
    ? { name, options: { numTrainTimesteps, shift } }
    : { name, options: { numTrainTimesteps, shift, stochasticSampling: false } };
}

function build(
  { name, options }: AnyConfig,
  steps: StepRequest,
  flowShift: number | undefined,
): Scheduler {
  if (name === 'UniPCMultistepScheduler') {
    return new UniPC({ ...options, flowShift: flowShift ?? options.flowShift }, steps);
  }
  const config = { ...options, shift: flowShift ?? options.shift };
  if (name === 'FlowMatchLCMScheduler') return new FlowMatchLCM(config, steps);
  return options.stochasticSampling
    ? new FlowMatchLCM(config, steps, name)
    : new FlowMatchEuler(config, steps);
}
