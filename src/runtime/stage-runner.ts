/**
 * @file Runs stages on activations that stay on the device. A stage runs over a batch of activations while its weights
 * are there: the two passes of guidance are the same thing to it as two tiles. It owns every tensor it makes, so that
 * whatever happens in a phase, `dispose` leaves nothing behind.
 */
import type { DType, Shape } from '../graph/types.ts';
import type { HostWeights } from '../weights/host-weights.ts';
import type { Backend, Bindings, DeviceTensor, HostData, TensorKind } from './backend.ts';
import type { Stage } from './stage.ts';

export interface RunnerOptions {
  /** What activations are counted under. */
  kind?: TensorKind;
  signal?: AbortSignal | undefined;
}

export class StageRunner {
  readonly backend: Backend;
  readonly #host: HostWeights;
  readonly #kind: TensorKind;
  readonly #signal: AbortSignal | undefined;
  readonly #weights = new Map<string, DeviceTensor>();
  readonly #live = new Set<DeviceTensor>();

  constructor(backend: Backend, host: HostWeights, options: RunnerOptions = {}) {
    this.backend = backend;
    this.#host = host;
    this.#kind = options.kind ?? 'activations';
    this.#signal = options.signal;
  }

  /** Uploads the weights of `stages` and compiles their graphs. */
  async load(stages: readonly Stage[], onStage?: (done: number) => void): Promise<void> {
    for (const [index, stage] of stages.entries()) {
      this.#signal?.throwIfAborted();
      await this.backend.prepare(stage.graph);
      this.#bindWeights(stage);
      onStage?.(index + 1);
    }
  }

  #bindWeights({ graph, prefix }: Stage): Bindings {
    const bindings: Record<string, DeviceTensor> = {};
    for (const weight of graph.weights) {
      const key = `${weight.dtype}:${prefix}${weight.name}`;
      let tensor = this.#weights.get(key);
      if (!tensor) {
        tensor = this.#own(this.backend.allocate(weight.dtype, weight.shape, 'weights'));
        this.#weights.set(key, tensor);
        this.backend.upload(tensor, this.#host.get(prefix, weight));
      }
      bindings[weight.name] = tensor;
    }
    return bindings;
  }

  /** Runs one stage over each set of inputs. The outputs belong to the caller, who frees them. */
  async run(stage: Stage, batch: readonly Bindings[]): Promise<Record<string, DeviceTensor>[]> {
    const weights = this.#bindWeights(stage);
    const results: Record<string, DeviceTensor>[] = [];
    for (const inputs of batch) {
      this.#signal?.throwIfAborted();
      const outputs = Object.fromEntries(
        stage.graph.outputs.map(({ name, dtype, shape }) => [name, this.allocate(dtype, shape)]),
      );
      await this.backend.run(stage.graph, { ...inputs, ...weights }, outputs);
      await this.backend.throttle();
      results.push(outputs);
    }
    return results;
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
    this.#weights.clear();
    await this.backend.trim();
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
