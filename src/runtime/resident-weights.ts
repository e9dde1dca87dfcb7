/** @file Weights stay on the device from the first time they are asked for, but for stages that are visited once. */
import type { Backend, Bindings, DeviceTensor } from './backend.ts';
import type { Stage } from './stage.ts';
import type { WeightProvider, WeightSource } from './weight-provider.ts';

export class ResidentWeights implements WeightProvider {
  readonly #backend: Backend;
  readonly #source: WeightSource;
  readonly #stages = new Map<string, Record<string, DeviceTensor>>();

  constructor(backend: Backend, source: WeightSource) {
    this.#backend = backend;
    this.#source = source;
  }

  async acquire({ graph, prefix }: Stage): Promise<Bindings> {
    // One set for a prefix: graphs of other sizes (the first chunk of a decode, say) share the same weights.
    let tensors = this.#stages.get(prefix);
    if (!tensors) {
      tensors = {};
      this.#stages.set(prefix, tensors);
    }
    const bindings: Record<string, DeviceTensor> = {};
    for (const weight of graph.weights) {
      const key = `${weight.dtype}:${weight.name}`;
      let tensor = tensors[key];
      if (!tensor) {
        tensor = this.#backend.allocate(weight.dtype, weight.shape, 'weights');
        tensors[key] = tensor;
        this.#backend.upload(tensor, await this.#source.get(prefix, weight));
      }
      bindings[weight.name] = tensor;
    }
    return bindings;
  }

  release({ graph, prefix, once }: Stage): void {
    const tensors = this.#stages.get(prefix);
    if (once !== true || !tensors) return;
    for (const { dtype, name } of graph.weights) {
      const key = `${dtype}:${name}`;
      const tensor = tensors[key];
      if (tensor) this.#backend.free(tensor);
      delete tensors[key];
    }
  }

  dispose(): void {
    for (const tensors of this.#stages.values()) {
      for (const tensor of Object.values(tensors)) this.#backend.free(tensor);
    }
    this.#stages.clear();
  }
}
