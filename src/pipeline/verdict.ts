/**
 * @file What to expect of a model of the catalogue on this machine, told before a byte of it is fetched. The plan is the
 * planner's own, made of the model's configuration; what is added is room in storage, and how long a CPU would take.
 */
import type { ModelEntry } from '../families/catalogue/model-entry.ts';
import { plannedModel } from '../families/catalogue/planned-model.ts';
import type { PlannedModel, PartName } from '../families/family.ts';
import { formatBytes } from '../format-bytes.ts';
import type { DeviceReport } from '../runtime/device.ts';
import type {
  AssessOptions,
  CheckpointReport,
  MemoryOptions,
  MemoryPlan,
  Verdict,
  VerdictLevel,
} from './api.ts';
import { planMemory } from './memory-plan.ts';
import { spareBytes } from './memory-settings.ts';

export interface Machine {
  readonly report: DeviceReport;
  /** Bytes that the browser's storage has room for; absent where it does not tell. */
  readonly freeBytes?: number;
  /** Threads that WebAssembly computes on. */
  readonly threads: number;
}

/**
 * Operations a second, measured with onnxruntime-web 1.30 on 2-core machines: WebAssembly on one thread, and WebGPU on
 * SwiftShader. Real ones are off by a small factor either way, which is why a verdict speaks of orders only.
 */
const WASM_FLOPS = 15e9;
const SOFTWARE_FLOPS = 0.4e9;

/** Seconds. A clip that takes longer than the first is slow, longer than the second not to be waited for. */
const SLOW = 120;
const IMPRACTICAL = 6 * 3600;

/** Of a model that is held in RAM at the most: a browser gives a page little more. */
const RAM_BYTES = 2 ** 30;

const SMALL_WEIGHTS = { text_encoder: 'q4', transformer: 'q4' } as const;

export function assessModel(
  entry: ModelEntry,
  machine: Machine,
  { isStored = false, fastDecoder = false }: Pick<AssessOptions, 'isStored' | 'fastDecoder'> = {},
): Verdict {
  const model = plannedModel(entry, { fastDecoder });
  const { report } = machine;
  const targetBytes = spareBytes(report);
  const [largest, ...smaller] = entry.sizes;
  let chosen = { size: largest, plan: planOf(model, report, largest) };
  for (const size of smaller) {
    if (isWithin(chosen.plan, targetBytes)) break;
    chosen = { size, plan: planOf(model, report, size) };
  }
  if (!isWithin(chosen.plan, targetBytes)) {
    const { plan } = chosen;
    const needs =
      plan.outcome === 'too-large'
        ? plan.reason
        : `Even its smallest clip takes ${formatBytes(plan.predictedPeakBytes)} on the device, and this one is taken to have ${formatBytes(targetBytes)}.`;
    return verdict({ entry, model }, 'does-not-fit', needs, chosen);
  }
  const kept = withinStorage(entry, model, machine, chosen, isStored);
  if ('missingBytes' in kept) {
    const { missingBytes, plan } = kept;
    const room = formatBytes(machine.freeBytes ?? 0);
    const reason = `It takes ${formatBytes(plan.storedBytes)} of the browser’s storage, which has room for ${room}.`;
    return verdict({ entry, model }, 'does-not-fit', reason, { ...chosen, plan }, { missingBytes });
  }
  const flops = clipFlops(kept.plan, entry);
  const small = chosen.size === largest ? '' : ` Up to ${sizeWords(chosen.size)} here.`;
  const extra = kept.memory ? { memory: kept.memory, flops } : { flops };
  const rate = ratePerSecond(machine);
  if (rate !== undefined) {
    const seconds = flops / rate;
    const where =
      report.device === 'wasm' ? 'Computed by the CPU' : 'Computed by a software adapter';
    const words = `${where}: a clip takes ${orderOfTime(seconds)}.`;
    const level = seconds > IMPRACTICAL ? 'impractical' : seconds > SLOW ? 'slow' : 'well';
    return verdict(
      { entry, model },
      level,
      words + small,
      { ...chosen, ...kept },
      { ...extra, seconds },
    );
  }
  const level = kept.plan.outcome === 'resident' ? 'well' : 'streamed';
  return verdict({ entry, model }, level, kept.plan.reason + small, { ...chosen, ...kept }, extra);
}

type Size = ModelEntry['sizes'][number];

function planOf(
  model: PlannedModel,
  report: DeviceReport,
  size: Size,
  memory: MemoryOptions | 'auto' = 'auto',
): MemoryPlan {
  const { guidanceScale, maxSequenceLength } = model.defaults;
  const preview = model.fastDecoder !== undefined;
  return planMemory(model, report, { ...size, guidanceScale, maxSequenceLength, memory, preview });
}

/** A plan may pass what it aims at where nothing less would do. */
function isWithin({ outcome, predictedPeakBytes }: MemoryPlan, targetBytes: number): boolean {
  return outcome !== 'too-large' && predictedPeakBytes <= targetBytes;
}

/** The plan, in fewer bits if only so it fits the storage, or what is missing. */
function withinStorage(
  { load }: ModelEntry,
  model: PlannedModel,
  { report, freeBytes }: Machine,
  { size, plan }: { size: Size; plan: MemoryPlan },
  isStored: boolean,
): { plan: MemoryPlan; memory?: MemoryOptions } | { plan: MemoryPlan; missingBytes: number } {
  const fits = ({ storedBytes }: MemoryPlan): boolean =>
    freeBytes === undefined || storedBytes <= freeBytes;
  const isInRam = !load.storage && plan.storedBytes <= RAM_BYTES;
  if (isStored || isInRam || fits(plan)) return { plan };
  const memory = { weights: SMALL_WEIGHTS, budgetBytes: spareBytes(report) };
  const small = planOf(model, report, size, memory);
  if (small.outcome !== 'too-large' && fits(small)) return { plan: small, memory };
  return { plan: small, missingBytes: small.storedBytes - (freeBytes ?? 0) };
}

/** Operations of a clip: a prompt or two, all steps, and the decode. */
export function clipFlops({ phases }: MemoryPlan, { generate }: ModelEntry): number {
  const passes = generate.guidanceScale > 1 ? 2 : 1;
  const times: Record<PartName, number> = {
    text_encoder: passes,
    transformer: passes * generate.numInferenceSteps,
    vae: 1,
    fast_decoder: 1,
  };
  return phases.reduce((sum, { name, flops }) => sum + times[name] * flops, 0);
}

/** Undefined for a GPU: none was measured, and they differ a hundredfold. */
function ratePerSecond({ report, threads }: Machine): number | undefined {
  if (report.device === 'wasm') return WASM_FLOPS * threads;
  return report.isSoftware ? SOFTWARE_FLOPS : undefined;
}

interface Described {
  readonly entry: ModelEntry;
  readonly model: PlannedModel;
}

function verdict(
  described: Described,
  level: VerdictLevel,
  reason: string,
  { plan, size }: { plan: MemoryPlan; size: Size },
  extra: Partial<Verdict> = {},
): Verdict {
  const model = described.entry.id;
  return { model, level, reason, checkpoint: describe(described), size, plan, ...extra };
}

function describe({ entry, model }: Described): CheckpointReport {
  const { schedulerName, components, defaults, constraints, fastDecoder } = model;
  return {
    source: entry.source,
    pipelineClass: 'WanPipeline',
    scheduler: schedulerName,
    downloadBytes: components.reduce((sum, { bytes }) => sum + bytes, 0),
    components,
    defaults,
    constraints,
    notices: [],
    previews: fastDecoder ? 'decoded' : 'none',
    loras: entry.load.loras ?? [],
  };
}

function sizeWords({ width, height, numFrames }: Size): string {
  return `${width} × ${height}, ${numFrames} frames`;
}

/** Seconds in an order that does not promise more than is known. */
export function orderOfTime(seconds: number): string {
  if (seconds < 45) return 'less than a minute';
  if (seconds < 45 * 60) return about(seconds / 60, 'minute');
  if (seconds < 36 * 3600) return about(seconds / 3600, 'hour');
  return about(seconds / 86_400, 'day');
}

function about(amount: number, unit: string): string {
  const rounded = amount < 10 ? Math.max(1, Math.round(amount)) : Math.round(amount / 10) * 10;
  return `about ${rounded} ${unit}${rounded === 1 ? '' : 's'}`;
}
