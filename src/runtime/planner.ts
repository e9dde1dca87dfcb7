/**
 * @file Settles, before anything is allocated, which stages' weights stay on the device and which pass through the ring,
 * so that a phase stays within a budget. Pure: sizes come from the graphs, whose shapes are static.
 */
import { ZoetropeError } from '../errors.ts';
import { byteLength } from '../graph/types.ts';
import type { Stage } from './stage.ts';
import type { StreamingPlan } from './streamed-weights.ts';

/** One slot in use, one being filled. */
const SLOTS = 2;

/** onnxruntime's uniform buffers and other small things; measured below 0.2 MB for a phase of the bundled model. */
const OVERHEAD_BYTES = 512 * 1024;

export interface PhaseNeeds {
  /** All stages of the phase, in the order in which they are visited. */
  readonly stages: readonly Stage[];
  /** Bytes of activations that the phase itself holds at the most; graphs' own intermediates are added. */
  readonly activationBytes: number;
  /** Whether stages may pass through the ring; default yes. */
  readonly canStream?: boolean;
}

export interface PhasePlan {
  readonly streaming?: StreamingPlan;
  readonly stages: number;
  /** Of all stages. */
  readonly weightBytes: number;
  /** On the device at once: what stays, and the ring. */
  readonly residentWeightBytes: number;
  /** Activations, intermediates, and small change. */
  readonly workingSetBytes: number;
  readonly predictedPeakBytes: number;
  /** Operations of all stages, each once. */
  readonly flops: number;
}

/** Not even one streamed stage at a time fits. */
export class BudgetTooSmallError extends ZoetropeError {
  override name = 'BudgetTooSmallError';
  /** The least budget that would do for the phase. */
  readonly leastBytes: number;

  constructor(budgetBytes: number, leastBytes: number) {
    super(
      'out-of-memory',
      `A budget of ${megabytes(budgetBytes)} is too small: ${megabytes(leastBytes)} is the least for this size.`,
      'Allow more memory, or choose a smaller size or fewer frames.',
    );
    this.leastBytes = leastBytes;
  }
}

/** The device cannot bind one of the tensors to a kernel. */
export class TensorTooLargeError extends ZoetropeError {
  override name = 'TensorTooLargeError';

  constructor(graph: string, bytes: number, maxTensorBytes: number) {
    super(
      'out-of-memory',
      `A tensor of "${graph}" has ${megabytes(bytes)}; this device takes ${megabytes(maxTensorBytes)} at the most.`,
      'Choose a smaller size, fewer frames, or smaller tiles.',
    );
  }
}

/** Bytes of a stage's weights on the device. */
export function stageWeightBytes({ graph }: Stage): number {
  return graph.weights.reduce((sum, { dtype, shape }) => sum + byteLength(dtype, shape), 0);
}

/**
 * @param budgetBytes Of the device, for everything; infinite for none.
 * @param maxTensorBytes Of one tensor; infinite for no limit.
 * @throws BudgetTooSmallError (`out-of-memory`) if not even one streamed stage at a time fits, TensorTooLargeError.
 */
export function planPhase(
  needs: PhaseNeeds,
  budgetBytes: number,
  maxTensorBytes = Number.POSITIVE_INFINITY,
): PhasePlan {
  const { stages } = needs;
  for (const { graph } of stages) {
    if (graph.largestTensorBytes > maxTensorBytes) {
      throw new TensorTooLargeError(graph.name, graph.largestTensorBytes, maxTensorBytes);
    }
  }
  const weightBytes = stages.reduce((sum, stage) => sum + stageWeightBytes(stage), 0);
  const workingSetBytes = needs.activationBytes + scratchBytes(stages) + OVERHEAD_BYTES;
  const plan = (resident: number, streaming?: StreamingPlan): PhasePlan => ({
    ...(streaming ? { streaming } : {}),
    stages: stages.length,
    weightBytes,
    residentWeightBytes: resident,
    workingSetBytes,
    predictedPeakBytes: resident + workingSetBytes,
    flops: stages.reduce((sum, { graph }) => sum + graph.flops, 0),
  });
  if (weightBytes + workingSetBytes <= budgetBytes) return plan(weightBytes);

  const repeated = needs.canStream === false ? [] : largestGroup(stages);
  const each = repeated[0] ? stageWeightBytes(repeated[0]) : 0;
  const fixed = weightBytes - each * repeated.length;
  const room = Math.floor((budgetBytes - workingSetBytes - fixed) / each);
  if (repeated.length < 2 || room < 1) {
    const least = workingSetBytes + fixed + (repeated.length < 2 ? 0 : each);
    throw new BudgetTooSmallError(budgetBytes, least);
  }
  const slots = Math.min(SLOTS, room);
  const residents = room - slots;
  const streamed = repeated.slice(residents).map(({ name }) => name);
  return plan(fixed + each * room, { streamed, slots });
}

/** The stages that share one graph, of the group that weighs most. */
function largestGroup(stages: readonly Stage[]): readonly Stage[] {
  const groups = new Map<string, Stage[]>();
  for (const stage of stages) {
    const group = groups.get(stage.graph.key);
    if (group) group.push(stage);
    else groups.set(stage.graph.key, [stage]);
  }
  return [...groups.values()].toSorted((a, b) => savings(b) - savings(a))[0] ?? [];
}

/** Bytes that streaming a group could take off the device. */
function savings(group: readonly Stage[]): number {
  return group.slice(1).reduce((sum, stage) => sum + stageWeightBytes(stage), 0);
}

/** The runtime keeps freed buffers for values of the same size, so graphs share them. */
function scratchBytes(stages: readonly Stage[]): number {
  const most = new Map<number, number>();
  for (const { graph } of stages) {
    for (const [bytes, count] of graph.scratch) {
      most.set(bytes, Math.max(count, most.get(bytes) ?? 0));
    }
  }
  return [...most].reduce((sum, [bytes, count]) => sum + bytes * count, 0);
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
