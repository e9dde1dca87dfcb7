/**
 * @file What onnxruntime's CPU provider takes from the WebAssembly heap during one run, worked out by doing as it does:
 * its order of nodes, its reuse of buffers between values of one shape, results written over operands that are not read
 * again, and what its kernels take for themselves. docs/decisions/0011 has the measurements.
 */
import type { NodeProto } from 'onnx-buf';
import { attentionSize, mostRows } from './cpu-attention.ts';
import { BestFitHeap } from './best-fit.ts';
import { executionOrder } from './scratch.ts';
import { byteLength, bytesPerElement, elementCount, sameShape, type Value } from './types.ts';

/** These give their input another shape, without a copy. */
const ALIASES = new Set(['Reshape', 'Identity']);

/** These may write their result over an operand of its size. */
const IN_PLACE = new Set(['Add', 'Sub', 'Mul', 'Div', 'Relu', 'Exp', 'Tanh', 'Clip', 'Sigmoid']);

const FLOAT_BYTES = bytesPerElement('float32');

/** What the convolution kernel unfolds its input into, a part at a time. */
const CONV_BYTES = 128 * 1024;

/**
 * How far a run makes an empty heap grow: inputs and weights, then node by node what is made and what kernels take.
 * @param given Inputs and weights. @param values All that nodes read and make. @param outputs Names of the graph's.
 * @param scoreBytes Of one block of attention at the most, in which larger ones are counted.
 */
export function cpuRunBytes(
  nodes: readonly NodeProto[],
  given: readonly Value[],
  values: ReadonlyMap<string, Value>,
  outputs: ReadonlySet<string>,
  scoreBytes?: number,
): number {
  const heap = new BestFitHeap();
  for (const { dtype, shape } of given) heap.take(byteLength(dtype, shape));
  const order = executionOrder(nodes);
  const made = new Set(nodes.flatMap((node) => node.output));
  const slots = assignBuffers(order, values, made, outputs);
  const starting = byStep(slots, ({ from }) => from);
  const ending = byStep(slots, ({ to }) => to);
  const places = new Map<Slot, number>();
  for (const [step, node] of order.entries()) {
    for (const slot of starting.get(step) ?? []) places.set(slot, heap.take(slot.bytes));
    const own = kernelBuffers(node, values, scoreBytes).map((bytes) => heap.take(bytes));
    for (const place of own.toReversed()) heap.give(place);
    for (const slot of ending.get(step) ?? []) heap.give(places.get(slot) ?? 0);
  }
  return heap.most;
}

function byStep(slots: readonly Slot[], stepOf: (slot: Slot) => number): Map<number, Slot[]> {
  const steps = new Map<number, Slot[]>();
  for (const slot of slots) {
    const step = steps.get(stepOf(slot));
    if (step) step.push(slot);
    else steps.set(stepOf(slot), [slot]);
  }
  return steps;
}

interface Slot {
  readonly bytes: number;
  readonly from: number;
  to: number;
}

function assignBuffers(
  order: readonly NodeProto[],
  values: ReadonlyMap<string, Value>,
  made: ReadonlySet<string>,
  outputs: ReadonlySet<string>,
): readonly Slot[] {
  const root = new Map<string, string>();
  const rootOf = (name: string): string => root.get(name) ?? name;
  for (const { opType, input, output } of order) {
    const [from = '', to = ''] = [input[0], output[0]];
    if (ALIASES.has(opType) && made.has(from) && !outputs.has(to)) root.set(to, rootOf(from));
  }
  const lastUse = new Map<string, number>();
  for (const [step, { input, output }] of order.entries()) {
    for (const name of [...input, ...output]) lastUse.set(rootOf(name), step);
  }
  for (const name of outputs) lastUse.set(rootOf(name), order.length - 1);

  const slots: Slot[] = [];
  const slotOf = new Map<string, Slot>();
  /** Buffers whose values are dead, by shape, for the next value of that shape. */
  const dead = new Map<string, Slot[]>();
  for (const [step, node] of order.entries()) {
    for (const name of node.output) {
      const value = values.get(name);
      if (!value || rootOf(name) !== name) continue;
      const slot =
        overwritten(node, value, step) ??
        (outputs.has(name) ? undefined : dead.get(shapeKey(value))?.pop()) ??
        newSlot(value, step);
      slotOf.set(name, slot);
      slot.to = Math.max(slot.to, lastUse.get(name) ?? step);
    }
    for (const name of new Set([...node.input, ...node.output].map(rootOf))) {
      const value = values.get(name);
      const slot = slotOf.get(name);
      if (!value || !slot || lastUse.get(name) !== step || slot.to !== step) continue;
      const free = dead.get(shapeKey(value));
      if (free) free.push(slot);
      else dead.set(shapeKey(value), [slot]);
    }
  }
  return slots;

  function newSlot(value: Value, step: number): Slot {
    const slot = { bytes: byteLength(value.dtype, value.shape), from: step, to: step };
    slots.push(slot);
    return slot;
  }

  /** The buffer of an operand that dies here, if the result may take its place. */
  function overwritten({ opType, input }: NodeProto, value: Value, step: number): Slot | undefined {
    if (!IN_PLACE.has(opType) || outputs.has(value.name)) return undefined;
    for (const name of input) {
      const owner = rootOf(name);
      const operand = values.get(name);
      const isFree = operand && lastUse.get(owner) === step && slotOf.has(owner);
      if (isFree && sameShape(operand.shape, value.shape)) {
        const slot = slotOf.get(owner);
        slotOf.delete(owner);
        return slot;
      }
    }
    return undefined;
  }
}

function shapeKey({ dtype, shape }: Value): string {
  return `${bytesPerElement(dtype)}:${shape.join('x')}`;
}

/** What a node's kernel takes for itself while it runs, in its order. */
function kernelBuffers(
  node: NodeProto,
  values: ReadonlyMap<string, Value>,
  scoreBytes: number | undefined,
): readonly number[] {
  const bytesOf = (name: string | undefined): number => {
    const value = values.get(name ?? '');
    return value ? byteLength(value.dtype, value.shape) : 0;
  };
  switch (node.opType) {
    case 'MultiHeadAttention': {
      const size = attentionSize(node, (name) => values.get(name));
      const { batch, heads, keys } = size;
      const scores = FLOAT_BYTES * batch * heads * mostRows(size, scoreBytes) * keys;
      // Operands by heads, scores, and the result by heads.
      return [...node.input.slice(0, 3).map(bytesOf), scores, bytesOf(node.output[0])];
    }
    case 'MatMulNBits': {
      // Codes become floats for the whole product.
      const number = (name: string): number =>
        Number(node.attribute.find((each) => each.name === name)?.i ?? 0n);
      return [FLOAT_BYTES * number('N') * number('K')];
    }
    case 'Gelu':
      return [bytesOf(node.output[0])];
    case 'Conv': {
      const weight = values.get(node.input[1] ?? '')?.shape ?? [];
      const [, outChannels = 1, height = 1, width = 1] =
        values.get(node.output[0] ?? '')?.shape ?? [];
      const area = height * width;
      const depth = elementCount(weight.slice(1));
      // Unfolded as a whole where there are more filters than pixels.
      return [outChannels > area ? FLOAT_BYTES * area * depth : CONV_BYTES];
    }
    default:
      return [];
  }
}
