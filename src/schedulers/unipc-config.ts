/** @file The options of `UniPCMultistepScheduler` that matter to a flow-matching model. */
import type { ConfigReader } from './config-reader.ts';

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
export function readUniPCConfig(reader: ConfigReader): UniPCConfig {
  reader.choice('prediction_type', ['flow_prediction'], 'epsilon');
  if (!reader.boolean('use_flow_sigmas', false)) {
    throw reader.error('use_flow_sigmas', 'but only schedules of flow sigmas are supported.');
  }
  if (!reader.boolean('predict_x0', true)) {
    throw reader.error('predict_x0', 'which is not supported.');
  }
  reader.refuse(
    'use_karras_sigmas',
    'use_exponential_sigmas',
    'use_beta_sigmas',
    'use_dynamic_shifting',
    'shift_terminal',
    'thresholding',
    'solver_p',
  );
  const solverOrder = reader.count('solver_order', 2);
  if (solverOrder !== 1 && solverOrder !== 2 && solverOrder !== 3) {
    throw reader.error('solver_order', 'which is not supported (it can be 1, 2 or 3).');
  }
  // diffusers reads the names of DPM-Solver's types, found in converted configs, as bh2.
  const types = ['bh1', 'bh2', 'midpoint', 'heun', 'logrho'] as const;
  return {
    numTrainTimesteps: reader.count('num_train_timesteps', 1000),
    flowShift: reader.positive('flow_shift', 1),
    solverOrder,
    solverType: reader.choice('solver_type', types, 'bh2') === 'bh1' ? 'bh1' : 'bh2',
    lowerOrderFinal: reader.boolean('lower_order_final', true),
    disableCorrector: reader.integers('disable_corrector'),
    finalSigmasType: reader.choice('final_sigmas_type', ['zero', 'sigma_min'], 'zero'),
  };
}
