/**
 * @file The pager: a fixed resident set, and a window that slides over the other stages. A denoising step visits stages
 * in a cycle, for which least-recently-used eviction is the worst policy (it always evicts what comes next) and a fixed
 * set the best. What leaves the window gives its buffers back to the backend's pool, and what enters takes them from
 * there: after the first cycle nothing is allocated, and stages need not be alike.
 */
import type { WeightInput } from '../graph/types.ts';
import { Limiter } from '../store/limiter.ts';
import type { Backend, Bindings, DeviceTensor } from './backend.ts';
import { ResidentWeights } from './resident-weights.ts';
import type { Stage } from './stage.ts';
import type { WeightProvider, WeightSource } from './weight-provider.ts';

export interface StreamingPlan {
  /** Stages whose weights do not stay, in the order in which they are visited. */
  readonly streamed: readonly Stage[];
  /** How many of them are on the device at once: 1 without read-ahead, 2 or more with. */
  readonly slots: number;
}

/** Storage answers several reads faster than one after the other; each takes RAM for its weight. */
const WEIGHTS_IN_FLIGHT = 4;

/** A streamed stage's weights, on the device or on their way. */
interface Slot {
  readonly tensors: Record<string, DeviceTensor>;
  readonly ready: Promise<void>;
  inUse: boolean;
  /** Its tensors belong to others by now. */
  isGone: boolean;
}

export class StreamedWeights implements WeightProvider {
  readonly #backend: Backend;
  readonly #source: WeightSource;
  readonly #resident: ResidentWeights;
  readonly #cycle: readonly Stage[];
  readonly #position = new Map<string, number>();
  readonly #width: number;
  readonly #reads = new Limiter(WEIGHTS_IN_FLIGHT);
  /** By position in the cycle. */
  readonly #slots = new Map<number, Slot>();
  /** Stages are read one after the other, so that the next one has all of the storage's speed. */
  #reading: Promise<unknown> = Promise.resolve();

  constructor(backend: Backend, source: WeightSource, plan: StreamingPlan) {
    this.#backend = backend;
    this.#source = source;
    this.#resident = new ResidentWeights(backend, source);
    this.#cycle = plan.streamed;
    for (const [index, { name }] of plan.streamed.entries()) this.#position.set(name, index);
    this.#width = Math.min(plan.slots, plan.streamed.length);
  }

  /** A stage is known by its name: its graph may be one for other sizes. */
  async acquire(stage: Stage): Promise<Bindings> {
    const index = this.#position.get(stage.name);
    if (index === undefined) return this.#resident.acquire(stage);
    this.#slideTo(index);
    const slot = this.#slots.get(index);
    if (!slot) throw new Error(`${stage.name} is outside the window`);
    slot.inUse = true;
    try {
      await slot.ready;
    } catch (error) {
      this.#drop(index);
      throw error;
    }
    return Object.fromEntries(
      stage.graph.weights.map(({ name }) => {
        const tensor = slot.tensors[name];
        if (!tensor) throw new Error(`${stage.name} was planned without ${name}`);
        return [name, tensor];
      }),
    );
  }

  release(stage: Stage): void {
    const index = this.#position.get(stage.name);
    if (index === undefined) {
      this.#resident.release(stage);
      return;
    }
    const slot = this.#slots.get(index);
    if (slot) slot.inUse = false;
    // Writes to the device are ordered after the work submitted so far, so its buffers may be filled at once.
    this.#slideTo((index + 1) % this.#cycle.length);
  }

  dispose(): void {
    this.#resident.dispose();
    for (const index of this.#slots.keys()) this.#drop(index);
  }

  /** Makes `first` and its successors the stages on the device. */
  #slideTo(first: number): void {
    const window = Array.from({ length: this.#width }, (_, i) => (first + i) % this.#cycle.length);
    for (const [index, { inUse }] of this.#slots) {
      if (!inUse && !window.includes(index)) this.#drop(index);
    }
    for (const index of window) if (!this.#slots.has(index)) this.#fill(index);
  }

  #drop(index: number): void {
    const slot = this.#slots.get(index);
    if (!slot) return;
    slot.isGone = true;
    for (const tensor of Object.values(slot.tensors)) this.#backend.free(tensor);
    this.#slots.delete(index);
  }

  #fill(index: number): void {
    const stage = this.#cycle[index];
    if (!stage) return;
    const tensors: Record<string, DeviceTensor> = {};
    for (const { name, dtype, shape } of stage.graph.weights) {
      tensors[name] = this.#backend.allocate(dtype, shape, 'weights');
    }
    const ready = this.#reading.then(() => this.#read(stage, slot));
    const slot: Slot = { tensors, ready, inUse: false, isGone: false };
    this.#slots.set(index, slot);
    // A failure is told to whoever acquires the stage; until then it is nobody's.
    this.#reading = ready.catch(() => undefined);
  }

  async #read({ graph, prefix }: Stage, slot: Slot): Promise<void> {
    const read = async (weight: WeightInput): Promise<void> => {
      if (slot.isGone) return;
      const data = await this.#source.get(prefix, weight, 'cycle');
      const tensor = slot.tensors[weight.name];
      if (tensor && !slot.isGone) this.#backend.upload(tensor, data);
    };
    await Promise.all(graph.weights.map((weight) => this.#reads.run(() => read(weight))));
  }
}
