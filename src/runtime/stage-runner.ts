/**
 * @file Runs stages on activations that stay on the device. A stage runs over a batch of activations while its weights
 * are there: the two passes of guidance are the same thing to it as two tiles. It owns every tensor it makes, so that
 * whatever happens in a phase, `dispose` leaves nothing behind.
 */
import type { DType, Shape } from '../graph/types.ts';
import type { Backend, Bindings, DeviceTensor, HostData, TensorKind } from './backend.ts';
import { ResidentWeights } from './resident-weights.ts';
import type { Stage } from './stage.ts';
import { StreamedWeights, type StreamingPlan } from './streamed-weights.ts';
import type { WeightProvider, WeightSource } from './weight-provider.ts';

export interface RunnerOptions {
  /** What activations are counted under. */
  kind?: TensorKind;
  signal?: AbortSignal | undefined;
  /** Streams some stages' weights; without it all stay on the device. */
  streaming?: StreamingPlan | undefined;
}

export class StageRunner {
  readonly backend: Backend;
  readonly #streamed: ReadonlySet<string>;
  readonly #kind: TensorKind;
  readonly #signal: AbortSignal | undefined;
  readonly #live = new Set<DeviceTensor>();
  readonly #weights: WeightProvider;

  constructor(backend: Backend, source: WeightSource, options: RunnerOptions = {}) {
    this.backend = backend;
    const { streaming } = options;
    this.#weights = streaming
      ? new StreamedWeights(backend, source, streaming)
      : new ResidentWeights(backend, source);
    this.#streamed = new Set(streaming?.streamed.map(({ name }) => name));
    this.#kind = options.kind ?? 'activations';
    this.#signal = options.signal;
  }

  /** Compiles the graphs of `stages` and uploads the weights that stay. */
  async load(stages: readonly Stage[], onStage?: (done: number) => void): Promise<void> {
    for (const [index, stage] of stages.entries()) {
      this.#signal?.throwIfAborted();
      await this.backend.prepare(stage.graph);
      if (stage.once !== true && !this.#streamed.has(stage.name)) {
        await this.#weights.acquire(stage);
        this.#weights.release(stage);
      }
      onStage?.(index + 1);
    }
  }

  /**
   * Runs one stage over each set of inputs. The outputs belong to the caller, who frees them; of a stage that is visited
   * once, the inputs are freed here.
   */
  async run(stage: Stage, batch: readonly Bindings[]): Promise<Record<string, DeviceTensor>[]> {
    const weights = await this.#weights.acquire(stage);
    const results: Record<string, DeviceTensor>[] = [];
    for (const inputs of batch) {
      this.#signal?.throwIfAborted();
      const outputs = this.#outputsOf(stage);
      await this.backend.run(stage.graph, { ...inputs, ...weights }, outputs);
      await this.backend.throttle();
      results.push(outputs);
    }
    this.#weights.release(stage);
    if (stage.once) {
      this.free(...batch.flatMap((inputs) => Object.values(inputs)));
      // Its buffers, and its inputs', may be of sizes that nobody else wants.
      await this.backend.trim();
    }
    return results;
  }

  /**
   * Runs one stage for each of `items`, with the inputs and outputs of one run on the device at a time: `inputsOf` makes
   * the inputs when their turn comes, and `take` has the outputs until it settles. Both are freed here.
   */
  async runEach<T>(
    stage: Stage,
    items: Iterable<T>,
    inputsOf: (item: T) => Bindings,
    take: (item: T, outputs: Record<string, DeviceTensor>) => Promise<void>,
  ): Promise<void> {
    const weights = await this.#weights.acquire(stage);
    for (const item of items) {
      this.#signal?.throwIfAborted();
      const inputs = inputsOf(item);
      const outputs = this.#outputsOf(stage);
      await this.backend.run(stage.graph, { ...inputs, ...weights }, outputs);
      this.free(...Object.values(inputs));
      await take(item, outputs);
      this.free(...Object.values(outputs));
    }
    this.#weights.release(stage);
  }

  allocate(dtype: DType, shape: Shape): DeviceTensor {
    return this.#own(this.backend.allocate(dtype, shape, this.#kind));
  }

  zeros(dtype: DType, shape: Shape): DeviceTensor {
    const tensor = this.allocate(dtype, shape);
    this.backend.clear(tensor);
    return tensor;
  }

  /** A new tensor with `data` in it. */
  put(dtype: DType, shape: Shape, data: HostData): DeviceTensor {
    const tensor = this.allocate(dtype, shape);
    this.backend.upload(tensor, data);
    return tensor;
  }

  free(...tensors: readonly DeviceTensor[]): void {
    for (const tensor of tensors) if (this.#live.delete(tensor)) this.backend.free(tensor);
  }

  /** Frees everything that this runner made and nobody freed, weights too, and destroys the pool. */
  async dispose(): Promise<void> {
    for (const tensor of this.#live) this.backend.free(tensor);
    this.#live.clear();
    this.#weights.dispose();
    await this.backend.trim();
  }

  #outputsOf({ graph }: Stage): Record<string, DeviceTensor> {
    return Object.fromEntries(
      graph.outputs.map(({ name, dtype, shape }) => [name, this.allocate(dtype, shape)]),
    );
  }

  #own(tensor: DeviceTensor): DeviceTensor {
    this.#live.add(tensor);
    return tensor;
  }
}

/** The output of that name; an error of the program, not of the user, if there is none. */
export function output(
  outputs: Record<string, DeviceTensor> | undefined,
  name: string,
): DeviceTensor {
  const tensor = outputs?.[name];
  if (!tensor) throw new Error(`a stage without output ${name}`);
  return tensor;
}
