import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import pairsByCase from '../../../models/parity/fixtures/wan-names.json' with { type: 'json' };
import vaeJson from '../../../models/parity/fixtures/wan-vae-config.json' with { type: 'json' };
import { locateWeights, type Stage } from '../../runtime/stage.ts';
import { NodeFolderSource } from '../../weights/node-source.ts';
import { parseVaeConfig } from './config.ts';
import { openTextEncoder, openTransformer, openVae } from './components.ts';
import { allStages, transformerStages } from './transformer.ts';
import { umt5Stages } from './umt5.ts';
import { decoderPlan } from './vae-decoder.ts';

const F32 = { linear: 'float32' } as const;

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'single-file-'));
});

afterAll(() => rm(folder, { recursive: true }));

type Shapes = ReadonlyMap<string, readonly number[]>;

/** A file of these shapes in BF16, zeros that take no room on the disk, under the names of Wan's own files. */
async function writeOriginal(
  file: string,
  shapes: Shapes,
  pairs: readonly string[][],
): Promise<void> {
  let end = 0;
  const header: Record<string, unknown> = {};
  for (const [original = '', name = ''] of pairs) {
    // The list has the first blocks; all are alike.
    const shape = shapes.get(name) ?? shapes.get(name.replace(/(blocks|block)\.\d+\./, '$1.0.'));
    if (!shape) throw new Error(`no shape for ${name}`);
    const start = end;
    end += shape.reduce((n, dim) => n * dim, 2);
    header[original] = { dtype: 'BF16', shape, data_offsets: [start, end] };
  }
  const text = new TextEncoder().encode(JSON.stringify(header));
  const bytes = new Uint8Array(8 + text.length);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true);
  bytes.set(text, 8);
  await writeFile(join(folder, file), bytes);
  await truncate(join(folder, file), bytes.length + end);
}

/** The pairs of a list for more blocks than it has. */
function withBlocks(pairs: readonly string[][], layers: number): string[][] {
  const isBlock = /(blocks|block)\.(\d+)\./;
  const outer = pairs.filter((pair) => !pair.some((name) => isBlock.test(name)));
  const first = pairs.filter(([original = '']) => /blocks\.0\./.test(original));
  const blocks = Array.from({ length: layers }, (_, i) =>
    first.map((pair) => pair.map((name) => name.replace(isBlock, `$1.${i}.`))),
  ).flat();
  return [...outer, ...blocks];
}

function shapesOf(stages: readonly Stage[]): Shapes {
  return new Map(
    stages.flatMap(({ graph, prefix }) =>
      graph.weights.map(({ source, sourceShape }) => [prefix + source, sourceShape] as const),
    ),
  );
}

describe('a single file in original names says what it is by its shapes', () => {
  const base = {
    patchSize: [1, 2, 2],
    attentionHeadDim: 128,
    inChannels: 16,
    outChannels: 16,
    textDim: 4096,
    freqDim: 256,
    crossAttnNorm: true,
    eps: 1e-6,
    ropeMaxSeqLen: 1024,
  } as const;
  const smallest = { latents: { channels: 16, frames: 1, height: 2, width: 2 }, textTokens: 1 };

  // As `transformer/config.json` of the published repositories has them.
  test.each([
    ['1.3B', 'transformer, 1.3B', { ...base, numAttentionHeads: 12, ffnDim: 8960, numLayers: 30 }],
    ['14B', 'transformer, 14B', { ...base, numAttentionHeads: 40, ffnDim: 13824, numLayers: 40 }],
    [
      '1.3B as ComfyUI has it',
      'transformer, repackaged',
      { ...base, numAttentionHeads: 12, ffnDim: 8960, numLayers: 30 },
    ],
  ] as const)('Wan 2.1 %s', async (_, list, expected) => {
    const stages = allStages(transformerStages(expected, smallest, F32));
    const pairs = withBlocks(pairsByCase[list], expected.numLayers);
    await writeOriginal('dit.safetensors', shapesOf(stages), pairs);
    const at = { source: new NodeFolderSource(folder), path: 'dit.safetensors' };
    const { files, config } = await openTransformer(at);
    expect(config).toEqual(expected);
    expect(locateWeights(files, stages)).toHaveLength(files.tensors.size);
  });

  test('the VAE', async () => {
    const source = new NodeFolderSource(folder);
    const expected = parseVaeConfig(vaeJson);
    const { first, rest } = decoderPlan(expected, smallest.latents);
    const shapes = shapesOf([...first, ...rest]);
    const pairs = pairsByCase.vae.filter(([, name = '']) => shapes.has(name));
    expect(pairs).toHaveLength(shapes.size);
    await writeOriginal('vae.safetensors', shapes, pairs);
    const { files, config } = await openVae({ source, path: 'vae.safetensors' });
    expect(config).toEqual(expected);
    expect(locateWeights(files, [...first, ...rest])).toHaveLength(files.tensors.size);
  });

  test.each([['original'], ['transformers']])('umT5-XXL in %s names', async (names) => {
    const expected = {
      vocabSize: 256384,
      dModel: 4096,
      dKv: 64,
      dFf: 10240,
      numLayers: 24,
      numHeads: 64,
      relativeAttentionNumBuckets: 32,
      relativeAttentionMaxDistance: 128,
      layerNormEpsilon: 1e-6,
    };
    const stages = Object.values(umt5Stages(expected, 1, F32)).flat();
    const shapes = new Map([...shapesOf(stages), ['shared.weight', [256384, 4096]]]);
    const pairs = withBlocks(pairsByCase.umt5, 24);
    const written = names === 'original' ? pairs : pairs.map(([, name = '']) => [name, name]);
    await writeOriginal('t5.safetensors', shapes, written);
    const at = { source: new NodeFolderSource(folder), path: 't5.safetensors' };
    const { files, config } = await openTextEncoder(at);
    expect(config).toEqual(expected);
    expect(locateWeights(files, stages)).toHaveLength(files.tensors.size - 1);
  });

  test('or that it is something else', async () => {
    const shapes = new Map([['a', [1]]]);
    await writeOriginal('other.safetensors', shapes, [['a', 'a']]);
    const at = { source: new NodeFolderSource(folder), path: 'other.safetensors' };
    await expect(openTransformer(at)).rejects.toThrow('no tensor patch_embedding.weight');
    await expect(openVae(at)).rejects.toThrow('no tensor post_quant_conv.weight');
    await expect(openTextEncoder(at)).rejects.toThrow('no tensor encoder.block.0');
  });
});
