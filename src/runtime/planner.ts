/**
 * @file Settles, before anything is allocated, which stages' weights stay on the device and which are streamed, so that a
 * phase stays within a budget. Pure: sizes come from the graphs, whose shapes are static.
 */
import { ZoetropeError } from '../errors.ts';
import { formatBytes } from '../format-bytes.ts';
import { bufferBytes } from '../graph/types.ts';
import type { Stage } from './stage.ts';
import { type HeapState, heapBytesFor, MAX_HEAP_BYTES } from './wasm-heap.ts';
import type { StreamingPlan } from './streamed-weights.ts';

/** One stage in use, one being read; only the one if no more fits. */
const SLOTS = [2, 1];

/** onnxruntime's uniform buffers and what it uploads constants through; docs/decisions/0004 has the measurements. */
const OVERHEAD_BYTES = 32 * 1024;

/** Bytes of a buffer → how many of that size. */
type BufferCounts = ReadonlyMap<number, number>;

export interface PhaseNeeds {
  /** All stages of the phase, in the order in which they are visited. */
  readonly stages: readonly Stage[];
  /** What runs besides, over the same weights: only the intermediates count. */
  readonly variants?: readonly Stage[];
  /** Bytes of activations that the phase itself holds at the most; graphs' own intermediates are added. */
  readonly activationBytes: number;
  /** The same where no pool keeps what was freed, as on wasm; absent: as `activationBytes`. */
  readonly liveBytes?: number;
}

export interface PhasePlan {
  readonly streaming?: StreamingPlan;
  readonly stages: number;
  /** Of all stages. */
  readonly weightBytes: number;
  /** On the device at once: what stays, and the window that slides over the rest. */
  readonly residentWeightBytes: number;
  /** Activations, intermediates, and small change. */
  readonly workingSetBytes: number;
  readonly predictedPeakBytes: number;
  /** On wasm, of the working set: the heap, which stays as large afterwards. */
  readonly heapBytes?: number;
  /** Operations of all stages, each once. */
  readonly flops: number;
}

/** Not even one streamed stage at a time fits. */
export class BudgetTooSmallError extends ZoetropeError {
  override name = 'BudgetTooSmallError';
  /** The least budget that would do for the phase. */
  readonly leastBytes: number;

  /** @param what Of the least: for what, and what is to be done. */
  constructor(
    budgetBytes: number,
    leastBytes: number,
    what = {
      reason: 'for this size',
      hint: 'Allow more memory, or choose a smaller size or fewer frames.',
    },
  ) {
    super(
      'out-of-memory',
      `A budget of ${formatBytes(budgetBytes)} is too small: ${formatBytes(leastBytes, 'up')} is the least ${what.reason}.`,
      what.hint,
    );
    this.leastBytes = leastBytes;
  }
}

/** The clip would fit, had WebAssembly's memory not grown for another one. */
export class HeapGrownError extends BudgetTooSmallError {
  override name = 'HeapGrownError';

  constructor(budgetBytes: number, leastBytes: number, heapBytes: number) {
    super(budgetBytes, leastBytes, {
      reason: `now, because WebAssembly's memory has grown to ${formatBytes(heapBytes)} for another clip and does not shrink`,
      hint: 'Load the page again, or allow more memory.',
    });
  }
}

/** Nor does the smallest clip fit. */
export class SmallestTooLargeError extends BudgetTooSmallError {
  override name = 'SmallestTooLargeError';

  /** @param smallestBytes The least that the smallest clip takes. */
  constructor(budgetBytes: number, leastBytes: number, smallestBytes: number) {
    super(budgetBytes, leastBytes, {
      reason: 'for this size',
      hint: `Allow more memory: even the smallest clip takes ${formatBytes(smallestBytes, 'up')}.`,
    });
  }
}

/** No budget would do on this device. */
export abstract class DeviceTooSmallError extends ZoetropeError {}

/** The device cannot bind one of the tensors to a kernel. */
export class TensorTooLargeError extends DeviceTooSmallError {
  override name = 'TensorTooLargeError';

  constructor(
    graph: string,
    bytes: number,
    { maxTensorBytes = Number.POSITIVE_INFINITY, isTiled }: DeviceBounds,
  ) {
    super(
      'out-of-memory',
      `A tensor of "${graph}" has ${formatBytes(bytes)}; this device takes ${formatBytes(maxTensorBytes)} at the most.`,
      smallerHint(isTiled),
    );
  }
}

/** One run would take more than WebAssembly can address. */
export class HeapTooLargeError extends DeviceTooSmallError {
  override name = 'HeapTooLargeError';

  constructor(graph: string, bytes: number, isTiled?: boolean) {
    super(
      'out-of-memory',
      `Running one layer ("${graph}") takes ${formatBytes(bytes)} of memory; WebAssembly has ${formatBytes(MAX_HEAP_BYTES)} at the most.`,
      smallerHint(isTiled),
    );
  }
}

/** Tiles are no help where they are the planner's own choice, or where nothing is decoded. */
function smallerHint(isTiled = false): string {
  return isTiled
    ? 'Choose a smaller size, fewer frames, or smaller tiles.'
    : 'Choose a smaller size or fewer frames.';
}

/** Bytes of a stage's weights on the device. */
export function stageWeightBytes({ graph }: Stage): number {
  return graph.weights.reduce((sum, { dtype, shape }) => sum + bufferBytes(dtype, shape), 0);
}

export interface DeviceBounds {
  readonly maxTensorBytes?: number;
  readonly heap?: HeapState | undefined;
  /** Whether the phase decodes in tiles of a size that the user chose. */
  readonly isTiled?: boolean;
}

/**
 * @param budgetBytes Of the device, for everything; infinite for none.
 * @param options.maxTensorBytes Of one tensor; infinite, the default, for no limit.
 * @param options.heap On wasm: as it is before the phase.
 * @throws BudgetTooSmallError (`out-of-memory`) if not even one streamed stage at a time fits, DeviceTooSmallError.
 */
export function planPhase(
  needs: PhaseNeeds,
  budgetBytes: number,
  bounds: DeviceBounds = {},
): PhasePlan {
  const { maxTensorBytes = Number.POSITIVE_INFINITY, heap, isTiled } = bounds;
  const { stages, variants = [], activationBytes } = needs;
  for (const { graph } of [...stages, ...variants]) {
    if (graph.largestTensorBytes > maxTensorBytes) {
      throw new TensorTooLargeError(graph.name, graph.largestTensorBytes, bounds);
    }
  }
  // A stage without weights (a tiled decode's attention) has nothing to stream.
  const cycle = stages.filter((stage) => stage.once !== true && stageWeightBytes(stage) > 0);
  // What is visited once has come and gone before the cycle's weights arrive.
  const onceBytes = Math.max(0, ...stages.filter(({ once }) => once).map(stageWeightBytes));
  const heapBytes = heap && phaseHeapBytes(needs, heap, isTiled);
  const workingSetBytes =
    heapBytes === undefined
      ? activationBytes + scratchBytes([...stages, ...variants]) + OVERHEAD_BYTES
      : (needs.liveBytes ?? activationBytes) + heapBytes;
  const plan = (cycleBytes: number, streaming?: StreamingPlan): PhasePlan => {
    const resident = Math.max(onceBytes, cycleBytes);
    return {
      ...(streaming ? { streaming } : {}),
      stages: stages.length,
      weightBytes: sum(stages.map(stageWeightBytes)),
      residentWeightBytes: resident,
      workingSetBytes,
      predictedPeakBytes: resident + workingSetBytes,
      ...(heapBytes === undefined ? {} : { heapBytes }),
      flops: sum(stages.map(({ graph }) => graph.flops)),
    };
  };
  const fits = ({ predictedPeakBytes }: PhasePlan): boolean => predictedPeakBytes <= budgetBytes;

  const whole = plan(cycleBytes(cycle, [], 0));
  if (fits(whole)) return whole;
  for (const slots of SLOTS) {
    const weights = (streamed: readonly Stage[]): number => cycleBytes(cycle, streamed, slots);
    if (!fits(plan(weights(cycle)))) continue;
    const streamed = chooseStreamed(cycle, weights, (bytes) => fits(plan(bytes)));
    return plan(weights(streamed), { streamed, slots });
  }
  const leastBytes = plan(cycleBytes(cycle, cycle, 1)).predictedPeakBytes;
  throw new BudgetTooSmallError(budgetBytes, leastBytes);
}

/** @throws HeapTooLargeError */
function phaseHeapBytes(
  { stages, variants = [] }: PhaseNeeds,
  heap: HeapState,
  isTiled?: boolean,
): number {
  const graphs = new Map([...stages, ...variants].map(({ graph }) => [graph.key, graph]));
  const sessions = new Map<string, number>();
  let largest = { name: '', runBytes: 0 };
  for (const graph of graphs.values()) {
    const { sessionBytes, runBytes } = graph.forCpu();
    sessions.set(graph.key, sessionBytes);
    if (runBytes > largest.runBytes) largest = { name: graph.name, runBytes };
  }
  const bytes = heapBytesFor(heap, largest.runBytes, sessions);
  if (bytes > MAX_HEAP_BYTES) throw new HeapTooLargeError(largest.name, bytes, isTiled);
  return bytes;
}

/**
 * The heap after a phase.
 * @param sessions How many of each of its compiled graphs stay in it: of the text encoder's, one a length of prompt.
 */
export function heapAfter(
  heap: HeapState,
  { stages, variants = [] }: PhaseNeeds,
  { heapBytes = 0 }: PhasePlan,
  sessions: number,
): HeapState {
  const made = [...stages, ...variants].flatMap(({ graph }) =>
    Array.from({ length: sessions }, (_, i) => {
      const key = i === 0 ? graph.key : `${graph.key} ${i}`;
      return [key, graph.forCpu().sessionBytes] as const;
    }),
  );
  return {
    ...heap,
    bytes: Math.max(heap.bytes, heapBytes),
    sessions: new Map([...heap.sessions, ...made]),
  };
}

/**
 * Starts with every stage streamed, and lets stay, one at a time, the one that costs the least memory for each byte that
 * it saves reading. Stages of sizes that no other has cost nothing: their buffers stay in the pool anyway.
 */
function chooseStreamed(
  cycle: readonly Stage[],
  bytes: (streamed: readonly Stage[]) => number,
  fits: (bytes: number) => boolean,
): readonly Stage[] {
  let streamed = cycle;
  for (;;) {
    const present = bytes(streamed);
    const choices = oneOfEachGraph(spread(streamed)).map((stage) => {
      const rest = streamed.filter((other) => other !== stage);
      return { rest, cost: (bytes(rest) - present) / stageWeightBytes(stage) };
    });
    const [best] = choices
      .filter(({ rest }) => fits(bytes(rest)))
      .toSorted((a, b) => a.cost - b.cost);
    if (!best) return streamed;
    streamed = best.rest;
  }
}

/** Stages with equal graphs cost the same. */
function oneOfEachGraph(stages: readonly Stage[]): readonly Stage[] {
  return [...new Map(stages.map((stage) => [stage.graph.key, stage])).values()];
}

/**
 * The same stages in an order in which neighbours are far apart, so that those that stay lie between those that are
 * streamed, and compute while the next ones are read.
 */
function spread(stages: readonly Stage[]): readonly Stage[] {
  const goldenRatio = (Math.sqrt(5) - 1) / 2;
  const place = stages.map((stage, i) => ({ stage, at: (i * goldenRatio) % 1 }));
  return place.toSorted((a, b) => a.at - b.at).map(({ stage }) => stage);
}

/** What stays, and of each size of buffer as many as the window that slides over `streamed` holds at the most. */
function cycleBytes(cycle: readonly Stage[], streamed: readonly Stage[], slots: number): number {
  const passing = new Set(streamed);
  const staying = sum(cycle.filter((stage) => !passing.has(stage)).map(stageWeightBytes));
  const width = Math.min(slots, streamed.length);
  const windows = streamed.map((_, first) => {
    const sizes = new Map<number, number>();
    for (let i = 0; i < width; i++) {
      const { graph } = streamed[(first + i) % streamed.length] ?? { graph: { weights: [] } };
      for (const { dtype, shape } of graph.weights) {
        const bytes = bufferBytes(dtype, shape);
        sizes.set(bytes, (sizes.get(bytes) ?? 0) + 1);
      }
    }
    return sizes;
  });
  return staying + totalBytes(mostOfEach(windows));
}

/** The runtime keeps freed buffers for values of the same size, so graphs share them. Constants are each graph's own. */
function scratchBytes(stages: readonly Stage[]): number {
  const graphs = new Map(stages.map(({ graph }) => [graph.key, graph]));
  const scratch = mostOfEach([...graphs.values()].map((graph) => graph.scratch));
  return totalBytes(scratch) + sum([...graphs.values()].map(({ constantBytes }) => constantBytes));
}

function mostOfEach(all: readonly BufferCounts[]): BufferCounts {
  const most = new Map<number, number>();
  for (const counts of all) {
    for (const [bytes, count] of counts) most.set(bytes, Math.max(count, most.get(bytes) ?? 0));
  }
  return most;
}

function totalBytes(counts: BufferCounts): number {
  return sum([...counts].map(([bytes, count]) => bytes * count));
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((a, b) => a + b, 0);
}
