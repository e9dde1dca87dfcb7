/** @file The memory options of a pipeline, checked and completed before anything is fetched. */
import { ZoetropeError } from '../errors.ts';
import type { Precision } from '../graph/index.ts';
import type { DeviceReport } from '../runtime/device.ts';
import { wasmThreads } from '../runtime/ort.ts';
import { type HeapState, wasmHeap } from '../runtime/wasm-heap.ts';
import { checkMemory } from './checks/memory-rules.ts';
import { Q4, Q8 } from '../weights/quantize-format.ts';
import type {
  ComponentFormats,
  ComponentName,
  ComputeDtype,
  LoadOptions,
  MemoryOptions,
  WeightsFormat,
} from './api.ts';

export interface MemorySettings {
  /** Nothing may pass it; infinite for no limit. */
  readonly budgetBytes: number;
  /** What plans aim at: the budget, or for `auto` a guess at what the device has to spare. */
  readonly targetBytes: number;
  readonly dtype: ComputeDtype;
  readonly weights: ComponentFormats;
  readonly ramBytes: number;
  /** Of one tensor; infinite for no limit. */
  readonly maxTensorBytes: number;
  /** On wasm: what the heap is at the moment. */
  readonly heap?: () => HeapState;
  /** Absent: the plan chooses. */
  readonly guidance?: 'batched' | 'sequential';
  /** Absent: the plan chooses. */
  readonly tile?: number;
  /** False: no text is ever encoded. */
  readonly textEncoder?: boolean;
}

export type ComponentPrecisions = Readonly<Record<ComponentName, Precision>>;

const GIB = 1024 ** 3;

/** wasm has four at the most, and needs some of it to compute. */
const WASM_TARGET_BYTES = 3 * GIB;
/** Where the browser does not tell how much RAM there is. */
const USUAL_RAM_GIB = 8;

/**
 * @param chooseWeights Settles the formats for `auto`, among those that lose little, given what plans aim at.
 * @throws ZoetropeError `invalid-argument`, naming the option; `feature-missing` for a dtype that the device lacks.
 */
export function resolveMemory(
  {
    memory,
    dtype,
    storage,
    textEncoder,
  }: Pick<LoadOptions, 'memory' | 'dtype' | 'storage' | 'textEncoder'>,
  report: DeviceReport,
  chooseWeights: (dtype: ComputeDtype, targetBytes: number) => ComponentFormats,
): MemorySettings {
  const isAuto = memory === undefined || memory === 'auto';
  const options: MemoryOptions = isAuto ? {} : memory;
  checkMemory({ memory, storage });
  const { weights, guidance, tile } = options;
  const { budgetBytes = Number.POSITIVE_INFINITY, ramBytes = 0 } = options;
  const computed = chooseDtype(wantedDtype(memory, dtype), report);
  const targetBytes = isAuto ? spareBytes(report) : budgetBytes;
  return {
    budgetBytes,
    targetBytes,
    dtype: computed,
    weights: isAuto ? chooseWeights(computed, targetBytes) : settleFormats(weights, computed),
    ramBytes,
    maxTensorBytes:
      report.device === 'wasm' ? Number.POSITIVE_INFINITY : report.maxStorageBufferBindingSize,
    ...heapOf(report),
    ...(guidance === undefined ? {} : { guidance }),
    ...(tile === undefined ? {} : { tile }),
    ...(textEncoder === false ? { textEncoder } : {}),
  };
}

/** The format that computes as the weights are. */
export function plainFormat(dtype: ComputeDtype): WeightsFormat {
  return dtype === 'float16' ? 'f16' : 'f32';
}

/** What a component's graphs compute in. */
export function computePrecision(format: WeightsFormat, dtype: ComputeDtype): Precision {
  const linear = format === 'f32' ? 'float32' : dtype;
  if (format === 'q8' || format === 'q4') return { linear, weights: format === 'q8' ? Q8 : Q4 };
  return { linear };
}

/** What weights are converted for when they are fetched: the layers that are not quantized stay as they come. */
export function storagePrecision(format: WeightsFormat): Precision {
  return computePrecision(format, format === 'f16' ? 'float16' : 'float32');
}

/** What each component computes in. */
export function computePrecisions({
  dtype,
  weights,
}: Pick<MemorySettings, 'dtype' | 'weights'>): ComponentPrecisions {
  return eachComponent((name) => computePrecision(weights[name], dtype));
}

/** What each component's weights are converted for. */
export function storagePrecisions(weights: ComponentFormats): ComponentPrecisions {
  return eachComponent((name) => storagePrecision(weights[name]));
}

export function eachComponent<T>(of: (name: ComponentName) => T): Record<ComponentName, T> {
  return { text_encoder: of('text_encoder'), transformer: of('transformer'), vae: of('vae') };
}

function settleFormats(weights: MemoryOptions['weights'], dtype: ComputeDtype): ComponentFormats {
  const plain = plainFormat(dtype);
  return eachComponent((name) =>
    typeof weights === 'string' ? weights : (weights?.[name] ?? plain),
  );
}

/** How plans for wasm know the heap. */
export function heapOf({ device }: DeviceReport): Pick<MemorySettings, 'heap'> {
  return device === 'wasm' ? { heap: () => wasmHeap.state(wasmThreads()) } : {};
}

/** WebGPU does not tell a device's memory; half of the RAM, as far as the browser tells that, is seldom too much. */
export function spareBytes({ device }: DeviceReport): number {
  if (device === 'wasm') return WASM_TARGET_BYTES;
  const { deviceMemory = USUAL_RAM_GIB } = (globalThis.navigator ?? {}) as {
    deviceMemory?: number;
  };
  return Math.max(2, deviceMemory / 2) * GIB;
}

/** @throws ZoetropeError `feature-missing` for a dtype that the device lacks. */
export function checkDtype(
  { memory, dtype }: Pick<LoadOptions, 'memory' | 'dtype'>,
  report: DeviceReport,
): void {
  chooseDtype(wantedDtype(memory, dtype), report);
}

/** Weights in f32 are computed with in float32. */
function wantedDtype(
  memory: LoadOptions['memory'],
  dtype: LoadOptions['dtype'] = 'auto',
): ComputeDtype | 'auto' {
  const weights = typeof memory === 'object' ? memory.weights : undefined;
  const format = typeof weights === 'object' ? weights.transformer : weights;
  return format === 'f32' ? 'float32' : dtype;
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
