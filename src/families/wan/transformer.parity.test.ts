import { describe, expect, test } from 'vitest';
import { GraphBuilder, type Graph, type Value } from '../../graph/index.ts';
import type { DeviceTensor } from '../../runtime/backend.ts';
import { type Stage, locateWeights } from '../../runtime/stage.ts';
import { output, StageRunner } from '../../runtime/stage-runner.ts';
import { testBackend } from '../../testing/backend.ts';
import {
  readReference,
  type Reference,
  relativeError,
  repositoryFolder,
} from '../../testing/fixtures.ts';
import type { ComponentFiles } from '../../weights/component.ts';
import { HostWeights } from '../../weights/host-weights.ts';
import { openTransformer } from './components.ts';
import type { WanTransformerConfig } from './config.ts';
import type { LatentShape } from '../family.ts';
import { rotaryTables } from './rope.ts';
import { feedForward, innerDim, wanAttention } from './transformer-graphs.ts';
import { allStages, transformerStages, WanTransformer } from './transformer.ts';

const F32 = { linear: 'float32' } as const;
const TOLERANCE = 1e-3;

interface Fixture {
  readonly files: ComponentFiles;
  readonly config: WanTransformerConfig;
  readonly reference: Reference;
}

/** As a checkpoint's transformer is opened: `e` is in the layout of Wan's own repositories. */
async function openCase(name: string): Promise<Fixture> {
  const source = await repositoryFolder(`models/parity/fixtures/${name}`);
  const reference = await readReference(source, 'reference.safetensors');
  return { ...(await openTransformer({ source, path: '' })), reference };
}

function latentShape({ reference }: Fixture): LatentShape {
  const [, channels = 0, frames = 0, height = 0, width = 0] = reference.get('latents').shape;
  return { channels, frames, height, width };
}

function grid(config: WanTransformerConfig, latents: LatentShape): [number, number, number] {
  const [pt, ph, pw] = config.patchSize;
  return [latents.frames / pt, latents.height / ph, latents.width / pw];
}

/** The reference holds each value twice, for both members of a pair. */
function everySecond(data: Float32Array): Float32Array {
  return data.filter((_, i) => i % 2 === 0);
}

/** Runs one sub-block graph on the reference's own input. */
async function runPart(
  fixture: Fixture,
  prefix: string,
  graph: Graph,
  inputs: Record<string, Float32Array<ArrayBuffer>>,
): Promise<Float32Array> {
  const stage: Stage = { name: prefix, graph, prefix };
  const weights = await HostWeights.load(fixture.files, locateWeights(fixture.files, [stage]));
  const runner = new StageRunner(await testBackend(), weights);
  try {
    const tensors: Record<string, DeviceTensor> = {};
    for (const { name, dtype, shape } of graph.inputs) {
      tensors[name] = runner.put(dtype, shape, inputs[name] ?? new Float32Array());
    }
    const [outputs] = await runner.run(stage, [tensors]);
    return await runner.backend.download(output(outputs, 'y'));
  } finally {
    await runner.dispose();
  }
}

describe.each(['a', 'b', 'c', 'd', 'e'])('WanTransformer3DModel %s against diffusers', (letter) => {
  const load = openCase(`wan-transformer-${letter}`);

  test('rotary tables', async () => {
    const fixture = await load;
    const { config, reference } = fixture;
    const shape = latentShape(fixture);
    const tables = rotaryTables(config.attentionHeadDim, grid(config, shape));
    expect(relativeError(tables.cos, everySecond(reference.get('rotary_cos').data))).toBeLessThan(
      1e-6,
    );
    expect(relativeError(tables.sin, everySecond(reference.get('rotary_sin').data))).toBeLessThan(
      1e-6,
    );
  });

  test('self-attention, cross-attention and feed-forward of every block', async () => {
    const fixture = await load;
    const { config, reference } = fixture;
    const width = innerDim(config);
    const shape = latentShape(fixture);
    const [frames, rows, columns] = grid(config, shape);
    const tokens = frames * rows * columns;
    const texts = reference.get('text').shape[1] ?? 0;
    const { cos, sin } = rotaryTables(config.attentionHeadDim, [frames, rows, columns]);

    const part = (name: string, build: (g: GraphBuilder, x: Value) => Value): Graph => {
      const g = new GraphBuilder(name);
      g.output('y', build(g, g.input('x', 'float32', [1, tokens, width])));
      return g.build();
    };
    const self = part('self', (g, x) => {
      const table = [tokens, config.attentionHeadDim / 2];
      const rotary = {
        cos: g.input('cos', 'float32', table),
        sin: g.input('sin', 'float32', table),
      };
      return wanAttention(g, config, F32, 'attn1', x, x, rotary);
    });
    const cross = part('cross', (g, x) =>
      wanAttention(g, config, F32, 'attn2', x, g.input('text', 'float32', [1, texts, width])),
    );
    const ff = part('ff', (g, x) => feedForward(g, config, F32, x));

    for (let i = 0; i < config.numLayers; i++) {
      const prefix = `blocks.${i}.`;
      const of = (name: string): Float32Array<ArrayBuffer> => reference.get(prefix + name).data;
      const attn1 = await runPart(fixture, prefix, self, { x: of('norm1'), cos, sin });
      expect(relativeError(attn1, of('attn1'))).toBeLessThan(TOLERANCE);
      const text = reference.get('text').data;
      const attn2 = await runPart(fixture, prefix, cross, { x: of('attn2.input'), text });
      expect(relativeError(attn2, of('attn2'))).toBeLessThan(TOLERANCE);
      const ffn = await runPart(fixture, prefix, ff, { x: of('ffn.input') });
      expect(relativeError(ffn, of('ffn'))).toBeLessThan(TOLERANCE);
    }
  });

  test('embeddings, every block, and the whole model, two texts at once', async () => {
    const fixture = await load;
    const { config, reference, files } = fixture;
    const embeds = reference.get('encoder_hidden_states');
    const shape = { latents: latentShape(fixture), textTokens: embeds.shape[1] ?? 0 };
    const stages = allStages(transformerStages(config, shape, F32));
    const host = await HostWeights.load(files, locateWeights(files, stages));
    const backend = await testBackend();
    const before = backend.ledger.read().byLabel;
    const runner = new StageRunner(backend, host);
    const errors: Record<string, number> = {};
    try {
      const model = new WanTransformer(config, shape, F32, runner);
      const texts = [embeds.data, new Float32Array(embeds.data.length)];
      const [text, other] = await model.projectTexts(texts);
      if (!text || !other) throw new Error('no texts');
      await model.load();
      errors['text'] = relativeError(await backend.download(text), reference.get('text').data);
      const results = [0, 1].map(() => new Float32Array(reference.get('output').data.length));
      const { data: latents } = reference.get('latents');
      const timestep = reference.get('timestep').data[0] ?? 0;
      // The unconditional pass runs beside the recorded one: neither may see the other's activations.
      await model.forward(latents, timestep, [other, text], results, async (name, [, hidden]) => {
        const expected = name === 'patch_embedding' ? name : `${name}.output`;
        if (hidden) {
          errors[name] = relativeError(
            await backend.download(hidden),
            reference.get(expected).data,
          );
        }
      });
      errors['output'] = relativeError(results[1] ?? [], reference.get('output').data);
      const [later] = results;
      if (!later) throw new Error('no result');
      await model.forward(latents, reference.get('b.timestep').data[0] ?? 0, [text], [later]);
      errors['b.output'] = relativeError(later, reference.get('b.output').data);
    } finally {
      await runner.dispose();
    }
    expect(Object.keys(errors)).toHaveLength(config.numLayers + 4);
    for (const [name, error] of Object.entries(errors)) {
      expect(error, name).toBeLessThan(TOLERANCE);
    }
    const after = backend.ledger.read().byLabel;
    expect(after['weights']).toBe(before['weights']);
    expect(after['activations']).toBe(before['activations']);
  });
});
