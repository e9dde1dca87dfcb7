/** @file The plan of a clip as a user is told it: how it will fit, and why so, before anything is fetched. */
import { decodeFlops } from '../decode/cost.ts';
import type { ComponentName, PartName, PlannedModel } from '../families/family.ts';
import { formatBytes } from '../format-bytes.ts';
import type { DeviceReport } from '../runtime/device.ts';
import {
  BudgetTooSmallError,
  DeviceTooSmallError,
  HeapGrownError,
  type PhasePlan,
} from '../runtime/planner.ts';
import type {
  ClipSize,
  ComponentFormats,
  ComputeDtype,
  LoadOptions,
  MemoryPlan,
  PhaseMemory,
  PlanOptions,
  WeightsFormat,
} from './api.ts';
import {
  computePrecisions,
  eachComponent,
  heapOf,
  type MemorySettings,
  plainFormat,
  resolveMemory,
  storagePrecision,
  storagePrecisions,
} from './memory-settings.ts';
import {
  type PlannedParameters,
  planRun,
  type PlanSettings,
  requireFastDecoder,
  type RunPlan,
} from './plan.ts';
import { clipOf } from './checks/load-rules.ts';
import { resolveRequest } from './request.ts';

/** umT5-XXL has 6 GB in 8 bits. */
const LARGE_ENCODER_BYTES = 2 ** 31;

const NAMES: readonly ComponentName[] = ['text_encoder', 'transformer', 'vae'];

/** The memory options of a pipeline: what is left open is settled by what the checkpoint's default clip takes. */
export function settleMemory(
  checkpoint: PlannedModel,
  report: DeviceReport,
  options: Pick<LoadOptions, 'memory' | 'dtype' | 'storage' | 'textEncoder'>,
): MemorySettings {
  return resolveMemory(options, report, (dtype, targetBytes) =>
    chooseWeights(checkpoint, dtype, targetBytes, options.textEncoder !== false, heapOf(report)),
  );
}

/**
 * As they are if all of them can stay on the device; else in 8 bits, which loses next to nothing. A text encoder that is
 * large even so has 4: it runs once a prompt, and half of what a model takes up is its.
 */
function chooseWeights(
  checkpoint: PlannedModel,
  dtype: ComputeDtype,
  targetBytes: number,
  textEncoder: boolean,
  heap: Pick<MemorySettings, 'heap'>,
): ComponentFormats {
  const plain = plainFormat(dtype);
  const whole = eachComponent(() => plain);
  const precision = computePrecisions({ dtype, weights: whole });
  const unlimited = Number.POSITIVE_INFINITY;
  const settings = {
    precision,
    targetBytes,
    budgetBytes: unlimited,
    maxTensorBytes: unlimited,
    textEncoder,
    ...heap,
  };
  if (staysWhole(checkpoint, settings)) return whole;
  const encoderBytes = checkpoint.storedBytes('text_encoder', storagePrecision('q8'));
  return {
    text_encoder: encoderBytes > LARGE_ENCODER_BYTES ? 'q4' : 'q8',
    transformer: 'q8',
    vae: 'q8',
  };
}

function staysWhole(checkpoint: PlannedModel, settings: PlanSettings): boolean {
  try {
    return isResident(planRun(checkpoint, checkpoint.defaults, settings));
  } catch (error) {
    // The default clip is too large for this device in any format; a smaller one may be wanted.
    if (error instanceof DeviceTooSmallError) return false;
    throw error;
  }
}

function isResident({ phases }: RunPlan): boolean {
  return NAMES.every((name) => phases[name]?.streaming === undefined);
}

/**
 * A clip's parameters as far as its memory depends on them.
 * @throws ZoetropeError `invalid-argument` for a size that the checkpoint cannot do.
 */
export function resolveClip(
  checkpoint: PlannedModel,
  report: DeviceReport,
  { dtype }: MemorySettings,
  clip: ClipSize,
): PlannedParameters {
  return resolveRequest(
    // The plan is that of any prompt and any seed.
    { ...clipOf(clip), prompt: '', seed: 0 },
    {
      model: '',
      scheduler: checkpoint.schedulerName,
      device: report.device,
      dtype,
      defaults: checkpoint.defaults,
      constraints: checkpoint.constraints,
    },
  );
}

/** Whether loading wants the component's weights. */
export function isFetched(
  name: PartName,
  { textEncoder }: Pick<LoadOptions, 'textEncoder'>,
): boolean {
  return name !== 'text_encoder' || textEncoder !== false;
}

/**
 * What a clip of `options`' size will take; what is absent is the checkpoint's default.
 * @throws ZoetropeError `invalid-argument`, `feature-missing`.
 */
export function planMemory(
  checkpoint: PlannedModel,
  report: DeviceReport,
  options: PlanOptions,
): MemoryPlan {
  // Whether weights are kept in storage changes nothing on the device.
  const settings = settleMemory(checkpoint, report, { ...options, storage: true });
  const { weights, budgetBytes, targetBytes } = settings;
  const parameters = resolveClip(checkpoint, report, settings, options);
  const kept = storagePrecisions(weights);
  const common = {
    weights: weights.transformer,
    formats: weights,
    ...(Number.isFinite(budgetBytes) ? { budgetBytes } : {}),
    downloadBytes: checkpoint.components.reduce(
      (sum, { name, bytes }) => sum + (isFetched(name, options) ? bytes : 0),
      0,
    ),
    storedBytes: NAMES.filter((name) => isFetched(name, options)).reduce(
      (sum, name) => sum + checkpoint.storedBytes(name, kept[name]),
      checkpoint.fastDecoder?.storedBytes ?? 0,
    ),
    storedFormats: eachComponent((name) => checkpoint.storedFormat(name, kept[name])),
  };
  try {
    const plan = planRun(checkpoint, parameters, {
      ...settings,
      precision: computePrecisions(settings),
      preview: options.preview ?? false,
    });
    const latents = checkpoint.latentShape(parameters);
    const { decode: choice } = parameters;
    const decoder = choice === 'fast' ? requireFastDecoder(checkpoint) : checkpoint;
    const decode = decodeFlops(decoder.decoderPlan(latents, plan.tile), latents.frames);
    const phases = NAMES.flatMap((name): PhaseMemory[] => {
      const part: PartName = name === 'vae' && choice === 'fast' ? 'fast_decoder' : name;
      const phase = plan.phases[name];
      return phase ? [{ ...phaseMemory(name, weights[name], phase, decode), name: part }] : [];
    });
    const predictedPeakBytes = Math.max(...phases.map((phase) => phase.predictedPeakBytes));
    const { guidance, tile, preview } = plan;
    return {
      ...common,
      outcome: isResident(plan) ? 'resident' : 'streamed',
      reason: reasonOf(phases, plan, settings, predictedPeakBytes),
      guidance,
      ...(tile === undefined ? {} : { tile }),
      phases,
      predictedPeakBytes,
      ...(preview ? { previewBytes: preview.bytes } : {}),
    };
  } catch (error) {
    const none = {
      ...common,
      outcome: 'too-large',
      guidance: settings.guidance ?? 'batched',
      phases: [],
      predictedPeakBytes: 0,
    } as const;
    if (error instanceof DeviceTooSmallError) return { ...none, reason: error.message };
    if (!(error instanceof BudgetTooSmallError)) throw error;
    const { leastBytes } = error;
    const reason =
      error instanceof HeapGrownError
        ? `${error.message} ${error.hint}`
        : `The least that this clip can be made in is ${formatBytes(leastBytes, 'up')}; ` +
          `${formatBytes(targetBytes)} are allowed.`;
    return { ...none, reason, leastBudgetBytes: leastBytes };
  }
}

function phaseMemory(
  name: ComponentName,
  weights: WeightsFormat,
  phase: PhasePlan,
  decode: number,
): PhaseMemory {
  const {
    weightBytes,
    residentWeightBytes,
    workingSetBytes,
    predictedPeakBytes,
    stages,
    streaming,
    flops,
  } = phase;
  return {
    name,
    weights,
    weightBytes,
    residentWeightBytes,
    workingSetBytes,
    predictedPeakBytes,
    stages,
    streamedStages: streaming?.streamed.length ?? 0,
    flops: name === 'vae' ? decode : flops,
  };
}

function reasonOf(
  phases: readonly PhaseMemory[],
  { guidance, tile }: RunPlan,
  { budgetBytes, targetBytes, weights }: MemorySettings,
  peakBytes: number,
): string {
  const allowed = Number.isFinite(budgetBytes)
    ? `the ${formatBytes(budgetBytes)} that are allowed`
    : `the ${formatBytes(targetBytes)} that this device is taken to have`;
  const isLimited = Number.isFinite(targetBytes);
  const sentences: string[] = [];
  const streamed = phases.filter(({ streamedStages }) => streamedStages > 0);
  if (streamed.length === 0) {
    const room = isLimited ? `, within ${allowed}` : '';
    sentences.push(
      `All weights (${formatWords(weights)}) stay on the device: ${formatBytes(peakBytes)} at the most${room}.`,
    );
  } else {
    const parts = streamed.map(
      ({ name, streamedStages, stages }) =>
        `${streamedStages} of ${stages} stages of the ${COMPONENT[name]}`,
    );
    sentences.push(
      `The weights (${formatWords(weights)}) do not fit beside the rest in ${allowed}: ` +
        `${parts.join(' and ')} are streamed in while others compute.`,
    );
  }
  if (guidance === 'sequential')
    sentences.push('The two passes of guidance run one after the other.');
  if (tile !== undefined) sentences.push(`Frames are decoded in tiles of ${tile} pixels.`);
  return sentences.join(' ');
}

/** The decoder is not quantized: it is not told. */
function formatWords({ text_encoder, transformer }: ComponentFormats): string {
  return text_encoder === transformer
    ? transformer
    : `${transformer}, text encoder ${text_encoder}`;
}

const COMPONENT: Readonly<Record<PartName, string>> = {
  text_encoder: 'text encoder',
  transformer: 'transformer',
  vae: 'decoder',
  fast_decoder: 'fast decoder',
};
