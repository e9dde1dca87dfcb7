/**
 * @file What to expect of a model of the catalogue on this machine, told before a byte of it is fetched. The plan is the
 * planner's own, made of the model's configuration; what is added is a remark about storage, and how long a CPU would take.
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
import { RAM_BYTES } from './full-storage.ts';
import { planMemory } from './memory-plan.ts';
import { spareBytes } from './memory-settings.ts';
import { storageRemark } from './storage-promise.ts';

export interface Machine {
  readonly report: DeviceReport;
  /** Bytes that the browser's storage has room for at least; absent where it does not say. */
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

const SMALL_WEIGHTS = { text_encoder: 'q4', transformer: 'q4' } as const;

export function assessModel(
  entry: ModelEntry,
  machine: Machine,
  options: Pick<AssessOptions, 'isStored' | 'keptBytes' | 'fastDecoder'> = {},
): Verdict {
  const model = plannedModel(entry, { fastDecoder: options.fastDecoder ?? false });
  const { report } = machine;
  const targetBytes = spareBytes(report);
  const [largest, ...smaller] = entry.sizes;
  let chosen = { size: largest, plan: planOf(model, report, largest) };
  for (const size of smaller) {
    if (isWithin(chosen.plan, targetBytes)) break;
    chosen = { size, plan: planOf(model, report, size) };
  }
  const { plan, size } = chosen;
  // The plan of a clip says the same: nothing but the plan may call a model too large.
  if (plan.outcome === 'too-large') {
    return verdict({ entry, model }, 'does-not-fit', plan.reason, chosen);
  }
  const flops = clipFlops(plan, entry);
  const storage = storageOf(entry, model, machine, chosen, options);
  const { remark, ...figures } = storage;
  const extra = { ...figures, flops };
  const remarks = [
    ...(size === largest ? [] : [`Up to ${sizeWords(size)} here.`]),
    ...(isWithin(plan, targetBytes)
      ? []
      : [
          `Even its smallest clip takes ${formatBytes(plan.predictedPeakBytes)} on the device, which is taken to have ${formatBytes(targetBytes)}: it may run out of memory.`,
        ]),
    ...(remark === undefined ? [] : [remark]),
  ];
  const rate = ratePerSecond(machine);
  if (rate !== undefined) {
    const seconds = flops / rate;
    const where =
      report.device === 'wasm' ? 'Computed by the CPU' : 'Computed by a software adapter';
    const words = `${where}: a clip takes ${orderOfTime(seconds)}.`;
    const level = seconds > IMPRACTICAL ? 'impractical' : seconds > SLOW ? 'slow' : 'well';
    const reason = [words, ...remarks].join(' ');
    return verdict({ entry, model }, level, reason, chosen, { ...extra, seconds });
  }
  const level = plan.outcome === 'resident' ? 'well' : 'streamed';
  return verdict({ entry, model }, level, [plan.reason, ...remarks].join(' '), chosen, extra);
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

/** What is short of what the browser promises, and whether fewer bits would be within it. Neither changes the plan. */
function storageOf(
  { load }: ModelEntry,
  model: PlannedModel,
  { report, freeBytes }: Machine,
  { size, plan }: { size: Size; plan: MemoryPlan },
  { isStored = false, keptBytes = 0 }: Pick<AssessOptions, 'isStored' | 'keptBytes'>,
): Pick<Verdict, 'missingBytes' | 'memory'> & { remark?: string } {
  const isInRam = !load.storage && plan.storedBytes <= RAM_BYTES;
  if (isStored || isInRam) return {};
  const neededBytes = Math.max(0, plan.storedBytes - keptBytes);
  const remark = storageRemark(neededBytes, freeBytes, keptBytes);
  if (freeBytes === undefined || remark === undefined) return {};
  const missingBytes = neededBytes - freeBytes;
  const memory = { weights: SMALL_WEIGHTS, budgetBytes: spareBytes(report) };
  const small = planOf(model, report, size, memory);
  if (small.outcome === 'too-large' || small.storedBytes > freeBytes)
    return { missingBytes, remark };
  const other = `With its weights in q4 it needs ${formatBytes(small.storedBytes)}.`;
  return { missingBytes, memory, remark: `${remark} ${other}` };
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
