/** @file The memory options of a pipeline, checked and completed before anything is fetched. */
import { invalidArgument, ZoetropeError } from '../errors.ts';
import type { Precision } from '../graph/index.ts';
import type { DeviceReport } from '../runtime/device.ts';
import { Q4, Q8 } from '../weights/quantize-format.ts';
import type { ComputeDtype, LoadOptions, MemoryOptions, WeightsFormat } from './api.ts';

export interface MemorySettings {
  /** Nothing may pass it; infinite for no limit. */
  readonly budgetBytes: number;
  /** What plans aim at: the budget, or for `auto` a guess at what the device has to spare. */
  readonly targetBytes: number;
  readonly dtype: ComputeDtype;
  readonly weights: WeightsFormat;
  readonly ramBytes: number;
  /** Of one tensor; infinite for no limit. */
  readonly maxTensorBytes: number;
  /** Absent: the plan chooses. */
  readonly guidance?: 'batched' | 'sequential';
  /** Absent: the plan chooses. */
  readonly tile?: number;
}

const GIB = 1024 ** 3;

/** wasm has four at the most, and needs some of it to compute. */
const WASM_TARGET_BYTES = 3 * GIB;
/** Where the browser does not tell how much RAM there is. */
const USUAL_RAM_GIB = 8;

const FORMATS: readonly WeightsFormat[] = ['f32', 'f16', 'q8', 'q4'];
const ORDERS: readonly string[] = ['batched', 'sequential'];

/**
 * @param chooseWeights Settles the format for `auto`, among those that lose little, given what plans aim at.
 * @throws ZoetropeError `invalid-argument`, naming the option; `feature-missing` for a dtype that the device lacks.
 */
export function resolveMemory(
  { memory, dtype, storage }: Pick<LoadOptions, 'memory' | 'dtype' | 'storage'>,
  report: DeviceReport,
  chooseWeights: (dtype: ComputeDtype, targetBytes: number) => WeightsFormat,
): MemorySettings {
  const isAuto = memory === undefined || memory === 'auto';
  const options: MemoryOptions = isAuto ? {} : memory;
  const { weights, guidance } = options;
  const budgetBytes = bytes('budgetBytes', options.budgetBytes) ?? Number.POSITIVE_INFINITY;
  const ramBytes = bytes('ramBytes', options.ramBytes) ?? 0;
  const tile = bytes('tile', options.tile);
  if (ramBytes > 0 && storage !== true) {
    throw invalidArgument(
      'memory.ramBytes',
      'without storage all weights are in RAM anyway.',
      'Add storage: true to read weights from storage, and keep this much of them in RAM.',
    );
  }
  if (weights !== undefined && !FORMATS.includes(weights)) {
    throw invalidArgument(
      'memory.weights',
      `${weights} is no format.`,
      `One of ${FORMATS.join(', ')}.`,
    );
  }
  if (guidance !== undefined && !ORDERS.includes(guidance)) {
    throw invalidArgument(
      'memory.guidance',
      `${guidance} is unknown.`,
      `One of ${ORDERS.join(', ')}.`,
    );
  }
  const computed = chooseDtype(weights === 'f32' ? 'float32' : (dtype ?? 'auto'), report);
  const targetBytes = isAuto ? spareBytes(report) : budgetBytes;
  return {
    budgetBytes,
    targetBytes,
    dtype: computed,
    weights: weights ?? (isAuto ? chooseWeights(computed, targetBytes) : plainFormat(computed)),
    ramBytes,
    maxTensorBytes:
      report.device === 'wasm' ? Number.POSITIVE_INFINITY : report.maxStorageBufferBindingSize,
    ...(guidance === undefined ? {} : { guidance }),
    ...(tile === undefined ? {} : { tile }),
  };
}

/** The format that computes as the weights are. */
export function plainFormat(dtype: ComputeDtype): WeightsFormat {
  return dtype === 'float16' ? 'f16' : 'f32';
}

/** What graphs compute in. */
export function computePrecision({
  dtype,
  weights,
}: Pick<MemorySettings, 'dtype' | 'weights'>): Precision {
  if (weights === 'q8' || weights === 'q4') {
    return { linear: dtype, weights: weights === 'q8' ? Q8 : Q4 };
  }
  return { linear: dtype };
}

/** What weights are converted for when they are fetched: the layers that are not quantized stay as they come. */
export function storagePrecision(weights: WeightsFormat): Precision {
  if (weights === 'f16') return { linear: 'float16' };
  return computePrecision({ dtype: 'float32', weights });
}

/** WebGPU does not tell a device's memory; half of the RAM, as far as the browser tells that, is seldom too much. */
function spareBytes({ device }: DeviceReport): number {
  if (device === 'wasm') return WASM_TARGET_BYTES;
  const { deviceMemory = USUAL_RAM_GIB } = (globalThis.navigator ?? {}) as {
    deviceMemory?: number;
  };
  return Math.max(2, deviceMemory / 2) * GIB;
}

function bytes(
  name: 'budgetBytes' | 'ramBytes' | 'tile',
  value: number | undefined,
): number | undefined {
  if (value === undefined || (Number.isFinite(value) && value > 0)) return value;
  throw invalidArgument(
    `memory.${name}`,
    `${value} is not a number of ${name === 'tile' ? 'pixels' : 'bytes'} above zero.`,
    name === 'tile' ? 'Leave it out for whole frames.' : 'Leave it out for no limit.',
  );
}

function chooseDtype(wanted: ComputeDtype | 'auto', report: DeviceReport): ComputeDtype {
  if (wanted === 'auto') return report.hasShaderF16 ? 'float16' : 'float32';
  if (wanted === 'float16' && !report.hasShaderF16) {
    throw new ZoetropeError(
      'feature-missing',
      `${report.adapter} cannot compute in float16.`,
      "Use dtype 'auto' or 'float32'.",
    );
  }
  return wanted;
}
