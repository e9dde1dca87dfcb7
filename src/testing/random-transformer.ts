/** @file A Wan transformer of any configuration with random weights, instead of a checkpoint's own. */
import { parseTransformerConfig } from '../families/wan/config.ts';
import { allStages, transformerStages } from '../families/wan/transformer.ts';
import { FilesSource } from '../weights/files-source.ts';
import type { FilesAt } from '../weights/source.ts';
import { RandomWeights } from './random-weights.ts';
import { encodeSafetensors, type FileTensor } from './safetensors-file.ts';

/** @param json As in diffusers' `transformer/config.json`. */
export function randomTransformer(json: Readonly<Record<string, unknown>>): FilesAt {
  const config = parseTransformerConfig(json);
  const latents = { channels: config.inChannels, frames: 1, height: 2, width: 2 };
  const stages = transformerStages(config, { latents, textTokens: 1 }, { linear: 'float32' });
  const random = new RandomWeights();
  const tensors = new Map<string, FileTensor>();
  for (const { prefix, graph } of allStages(stages)) {
    for (const weight of graph.weights) {
      const data = new Uint8Array(random.get(prefix, weight).buffer);
      tensors.set(prefix + weight.source, { dtype: 'F32', shape: weight.sourceShape, data });
    }
  }
  const files = [
    file('config.json', JSON.stringify(json)),
    file('diffusion_pytorch_model.safetensors', encodeSafetensors(tensors)),
  ];
  return { source: new FilesSource({ name: 'random', files }), path: '' };
}

function file(path: string, content: BlobPart): { path: string; file: File } {
  return { path, file: new File([content], path, { lastModified: 0 }) };
}
