/**
 * @file The pager: a fixed resident set, and a small ring through which the other stages pass. A denoising step visits
 * stages in a cycle, for which least-recently-used eviction is the worst policy (it always evicts what comes next) and
 * a fixed set the best. Slots are allocated once; while a stage runs, the next one in the cycle is read into a free slot.
 */
import type { Graph } from '../graph/types.ts';
import type { Backend, Bindings, DeviceTensor } from './backend.ts';
import { ResidentWeights } from './resident-weights.ts';
import type { Stage } from './stage.ts';
import type { WeightProvider, WeightSource } from './weight-provider.ts';

export interface StreamingPlan {
  /** Names of the stages that pass through the ring, in the order in which they are visited. All have one graph. */
  readonly streamed: readonly string[];
  /** Stages that the ring holds: 1 without read-ahead, 2 or more with. */
  readonly slots: number;
}

interface Slot {
  readonly tensors: Record<string, DeviceTensor>;
  /** Index into the cycle of the stage that is in it or on its way. */
  stage: number | undefined;
  ready: Promise<void>;
  inUse: boolean;
}

export class StreamedWeights implements WeightProvider {
  readonly #backend: Backend;
  readonly #source: WeightSource;
  readonly #resident: ResidentWeights;
  readonly #cycle: readonly Stage[];
  readonly #position = new Map<string, number>();
  readonly #slotCount: number;
  readonly #slots: Slot[] = [];
  #isDisposed = false;

  /** @param stages All stages of the cycle, in order. */
  constructor(
    backend: Backend,
    source: WeightSource,
    stages: readonly Stage[],
    plan: StreamingPlan,
  ) {
    this.#backend = backend;
    this.#source = source;
    this.#resident = new ResidentWeights(backend, source);
    const streamed = new Set(plan.streamed);
    this.#cycle = stages.filter(({ name }) => streamed.has(name));
    for (const [index, stage] of this.#cycle.entries()) {
      if (stage.graph.key !== this.#cycle[0]?.graph.key) {
        throw new Error(`${stage.name} has another graph than the ring`);
      }
      this.#position.set(stage.name, index);
    }
    this.#slotCount = Math.min(plan.slots, this.#cycle.length);
  }

  async acquire(stage: Stage): Promise<Bindings> {
    const index = this.#position.get(stage.name);
    if (index === undefined) return this.#resident.acquire(stage);
    const slot = this.#slotFor(index);
    slot.inUse = true;
    this.#readAhead(index);
    await slot.ready;
    return slot.tensors;
  }

  release(stage: Stage): void {
    const index = this.#position.get(stage.name);
    if (index === undefined) return;
    const slot = this.#slots.find((each) => each.stage === index);
    if (slot) slot.inUse = false;
    // Writes to the device are ordered after the work submitted so far, so the slot may be filled at once.
    this.#readAhead(index);
  }

  dispose(): void {
    this.#isDisposed = true;
    this.#resident.dispose();
    for (const { tensors } of this.#slots) {
      for (const tensor of Object.values(tensors)) this.#backend.free(tensor);
    }
    this.#slots.length = 0;
  }

  /** The slot that holds stage `index`, or a free one that is being filled with it. */
  #slotFor(index: number): Slot {
    const present = this.#slots.find(({ stage }) => stage === index);
    if (present) return present;
    const slot = this.#freeSlot(index);
    if (!slot) throw new Error('every slot of the ring is in use');
    this.#fill(slot, index);
    return slot;
  }

  /** Fills free slots with the stages that come after `index` in the cycle. */
  #readAhead(index: number): void {
    for (let ahead = 1; ahead < this.#slotCount; ahead++) {
      const next = (index + ahead) % this.#cycle.length;
      if (this.#slots.some(({ stage }) => stage === next)) continue;
      const slot = this.#freeSlot(index);
      if (!slot) return;
      this.#fill(slot, next);
    }
  }

  /** A slot that is not in use; of several, the one whose stage is needed last, counted from `index`. */
  #freeSlot(index: number): Slot | undefined {
    const first = this.#cycle[0];
    if (first && this.#slots.length < this.#slotCount) {
      const slot = this.#newSlot(first.graph);
      this.#slots.push(slot);
      return slot;
    }
    const distance = ({ stage }: Slot): number =>
      stage === undefined
        ? Number.POSITIVE_INFINITY
        : (stage - index + this.#cycle.length) % this.#cycle.length || this.#cycle.length;
    const free = this.#slots.filter(({ inUse }) => !inUse);
    return free.toSorted((a, b) => distance(b) - distance(a))[0];
  }

  #newSlot(graph: Graph): Slot {
    const tensors = Object.fromEntries(
      graph.weights.map(({ name, dtype, shape }) => [
        name,
        this.#backend.allocate(dtype, shape, 'weights'),
      ]),
    );
    return { tensors, stage: undefined, ready: Promise.resolve(), inUse: false };
  }

  #fill(slot: Slot, index: number): void {
    slot.stage = index;
    // After what may still be on its way into the slot.
    const previous = slot.ready.catch(() => undefined);
    slot.ready = previous.then(() => this.#load(slot.tensors, index));
    // Told to whoever acquires the stage; until then it is nobody's failure.
    slot.ready.catch(() => {
      slot.stage = undefined;
    });
  }

  async #load(tensors: Record<string, DeviceTensor>, index: number): Promise<void> {
    const stage = this.#cycle[index];
    if (!stage) return;
    for (const weight of stage.graph.weights) {
      const data = await this.#source.get(stage.prefix, weight);
      // The slots' memory may belong to others by now.
      if (this.#isDisposed) return;
      const tensor = tensors[weight.name];
      if (tensor) this.#backend.upload(tensor, data);
    }
  }
}
