/** @file The options of `UniPCMultistepScheduler` that matter to a flow-matching model. */
import type { Fields } from '../config/fields.ts';
import { FLOW_SHIFT, STEP_INDICES, TRAIN_TIMESTEPS } from './config-ranges.ts';

export interface UniPCConfig {
  readonly numTrainTimesteps: number;
  readonly flowShift: number;
  readonly solverOrder: 1 | 2 | 3;
  /** The function B(h) of the paper: `bh1` is h, `bh2` is e^h − 1. */
  readonly solverType: 'bh1' | 'bh2';
  /** Lowers the order towards the end of the schedule, so that no step looks past the last one. */
  readonly lowerOrderFinal: boolean;
  /** Steps after which the sample is left as predicted. */
  readonly disableCorrector: readonly number[];
  readonly finalSigmasType: 'zero' | 'sigma_min';
}

/**
 * Only flow prediction with flow sigmas, and the solver on predicted clean samples (`predict_x0`), as diffusers has no
 * other for flow prediction. `timestep_spacing`, the betas and their rescaling have no effect on flow sigmas.
 *
 * @throws ZoetropeError `model-format`, naming the option.
 */
export function readUniPCConfig(fields: Fields): UniPCConfig {
  fields.choice('prediction_type', ['flow_prediction'], 'epsilon');
  if (!fields.boolean('use_flow_sigmas', false)) {
    throw fields.error('use_flow_sigmas', 'but only schedules of flow sigmas are supported.');
  }
  if (!fields.boolean('predict_x0', true)) {
    throw fields.error('predict_x0', 'which is not supported.');
  }
  fields.refuse(
    'use_karras_sigmas',
    'use_exponential_sigmas',
    'use_beta_sigmas',
    'use_dynamic_shifting',
    'shift_terminal',
    'thresholding',
    'solver_p',
  );
  const solverOrder = fields.get('solver_order') ?? 2;
  if (solverOrder !== 1 && solverOrder !== 2 && solverOrder !== 3) {
    throw fields.error('solver_order', 'which is not supported (it can be 1, 2 or 3).');
  }
  // diffusers reads the names of DPM-Solver's types, found in converted configs, as bh2.
  const types = ['bh1', 'bh2', 'midpoint', 'heun', 'logrho'] as const;
  return {
    numTrainTimesteps: fields.integer('num_train_timesteps', TRAIN_TIMESTEPS, 1000),
    flowShift: fields.number('flow_shift', FLOW_SHIFT, 1),
    solverOrder,
    solverType: fields.choice('solver_type', types, 'bh2') === 'bh1' ? 'bh1' : 'bh2',
    lowerOrderFinal: fields.boolean('lower_order_final', true),
    disableCorrector: fields.integers('disable_corrector', STEP_INDICES, []),
    finalSigmasType: fields.choice('final_sigmas_type', ['zero', 'sigma_min'], 'zero'),
  };
}
