/** @file The ordinary way to run a diffusion transformer: one session that holds all of it, called once for each text. */
import { patchify, tokenGrid, unpatchify } from '../src/families/wan/patchify.ts';
import { rotaryTables } from '../src/families/wan/rope.ts';
import { timestepSinusoid, transformerStages } from '../src/families/wan/transformer.ts';
import type { Graph } from '../src/graph/types.ts';
import type { Backend, Bindings, DeviceTensor, HostData } from '../src/runtime/backend.ts';
import { composeModel, type JoinedStage } from './compose-model.ts';
import type { RandomWeights } from './random-weights.ts';
import { stepInputs, TIMESTEP, type WanShaped } from './wan-shaped.ts';

/** The whole transformer, as `WanTransformer3DModel.forward` has it: from latents, timestep and texts to velocities. */
export function ordinaryGraph(wan: WanShaped, weights: RandomWeights): Graph {
  const { text, time, patchEmbedding, blocks, head } = transformerStages(
    wan.config,
    wan.shape,
    wan.precision,
  );
  let hidden = 'patch_embedding/hidden';
  const joined: JoinedStage[] = [
    { stage: text, from: {} },
    { stage: time, from: {} },
    { stage: patchEmbedding, from: {} },
  ];
  for (const stage of blocks) {
    joined.push({ stage, from: { hidden, text: 'text/text', modulation: 'time/modulation' } });
    hidden = `${stage.name}/output`;
  }
  joined.push({ stage: head, from: { hidden, temb: 'time/temb' } });
  const result = { stage: head, output: 'patches' };
  return composeModel('wan in one', joined, result, (prefix, weight) =>
    weights.get(prefix, weight),
  );
}

export class OrdinaryWan {
  readonly #backend: Backend;
  readonly #graph: Graph;
  readonly #wan: WanShaped;
  readonly #inputs: Readonly<Record<string, DeviceTensor>>;
  readonly #texts: readonly Float32Array<ArrayBuffer>[];
  readonly #latents: Float32Array;
  readonly #output: DeviceTensor;

  /** Makes the session, and the tensors that every step feeds. */
  static async load(backend: Backend, graph: Graph, wan: WanShaped): Promise<OrdinaryWan> {
    await backend.prepare(graph);
    return new OrdinaryWan(backend, graph, wan);
  }

  private constructor(backend: Backend, graph: Graph, wan: WanShaped) {
    this.#backend = backend;
    this.#graph = graph;
    this.#wan = wan;
    this.#inputs = Object.fromEntries(
      graph.inputs.map(({ name, dtype, shape }) => [
        name,
        backend.allocate(dtype, shape, 'activations'),
      ]),
    );
    const [output] = graph.outputs;
    if (!output) throw new Error('a graph without output');
    this.#output = backend.allocate(output.dtype, output.shape, 'activations');
    const { latents, texts } = stepInputs(wan);
    this.#latents = latents;
    this.#texts = texts;
    const { config, shape } = wan;
    const tables = rotaryTables(
      config.attentionHeadDim,
      tokenGrid(shape.latents, config.patchSize),
    );
    this.#put('cos', tables.cos);
    this.#put('sin', tables.sin);
  }

  /** The velocities of one denoising step, one after the other. @param passes 2 with guidance. */
  async step(passes = this.#texts.length): Promise<Float32Array> {
    const { config, shape } = this.#wan;
    const { length } = this.#latents;
    const velocities = new Float32Array(passes * length);
    const patches = new Float32Array(length);
    patchify(this.#latents, shape.latents, config.patchSize, patches);
    this.#put('patches', patches);
    this.#put('sinusoid', timestepSinusoid(TIMESTEP, config.freqDim));
    const outputs: Bindings = { [this.#graph.outputs[0]?.name ?? '']: this.#output };
    for (const [pass, text] of this.#texts.slice(0, passes).entries()) {
      this.#put('embeds', text);
      await this.#backend.run(this.#graph, this.#inputs, outputs);
      const result = velocities.subarray(pass * length, (pass + 1) * length);
      const data = await this.#backend.download(this.#output);
      unpatchify(data, shape.latents, config.patchSize, result);
    }
    return velocities;
  }

  #put(name: string, data: HostData): void {
    const tensor = this.#inputs[name];
    if (!tensor) throw new Error(`the model has no input ${name}`);
    this.#backend.upload(tensor, data);
  }
}
