/**
 * @file Holds a configuration against the headers of the weights, before anything is built from it: graphs and stage lists
 * are as large as a configuration says, and a header is as large as its file.
 */
import { modelFormat } from '../../errors.ts';
import type { ComponentFiles } from '../../weights/component.ts';
import type { Umt5Config, WanTransformerConfig, WanVaeConfig } from './config.ts';
import { EMBEDDING } from './umt5.ts';

/**
 * Blocks that are planned one by one: published models have 60 at the most. A header of a hundred megabytes could name a
 * million.
 */
const MOST_BLOCKS = 256;

/** @throws ZoetropeError `model-format`, naming the tensor or the count that differs. */
export function checkTransformerHeader(config: WanTransformerConfig, files: ComponentFiles): void {
  const { patchSize, inChannels, outChannels, ffnDim, textDim, freqDim, numLayers } = config;
  const width = config.numAttentionHeads * config.attentionHeadDim;
  const volume = patchSize[0] * patchSize[1] * patchSize[2];
  files.find('patch_embedding.weight', [width, inChannels, ...patchSize]);
  files.find('proj_out.weight', [volume * outChannels, width]);
  files.find('condition_embedder.text_embedder.linear_1.weight', [width, textDim]);
  files.find('condition_embedder.time_embedder.linear_1.weight', [width, freqDim]);
  files.find('blocks.0.ffn.net.0.proj.weight', [ffnDim, width]);
  checkCount(files, 'blocks.', numLayers, 'num_layers');
}

/** @throws ZoetropeError `model-format`, naming the tensor or the count that differs. */
export function checkVaeHeader(config: WanVaeConfig, files: ComponentFiles): void {
  const { zDim, decoderBaseDim, dimMult, numResBlocks, outChannels, patchSize } = config;
  const pixels = 3 * patchSize ** 2;
  if (outChannels !== pixels) {
    throw modelFormat(
      `${placeOf(files)}: out_channels is ${outChannels} and patch_size ${patchSize}: red, green and blue take ${pixels}.`,
      'The config.json is of another model than the weights, or damaged.',
    );
  }
  const cube = [3, 3, 3];
  files.find('post_quant_conv.weight', [zDim, zDim, 1, 1, 1]);
  files.find('decoder.conv_in.weight', [(dimMult.at(-1) ?? 1) * decoderBaseDim, zDim, ...cube]);
  files.find('decoder.conv_out.weight', [outChannels, (dimMult[0] ?? 1) * decoderBaseDim, ...cube]);
  checkCount(files, 'decoder.up_blocks.', dimMult.length, 'the length of dim_mult');
  const resnets = 'decoder.up_blocks.0.resnets.';
  // A block of the decoder has one more than the configuration says.
  checkCount(files, resnets, numResBlocks + 1, 'num_res_blocks', 1);
}

/** @throws ZoetropeError `model-format`, naming the tensor or the count that differs. */
export function checkUmt5Header(config: Umt5Config, files: ComponentFiles): void {
  const { vocabSize, dModel, dKv, dFf, numHeads, numLayers } = config;
  const first = 'encoder.block.0.layer.';
  files.find(EMBEDDING, [vocabSize, dModel]);
  files.find(`${first}0.SelfAttention.relative_attention_bias.weight`, [
    config.relativeAttentionNumBuckets,
    numHeads,
  ]);
  files.find(`${first}0.SelfAttention.q.weight`, [numHeads * dKv, dModel]);
  files.find(`${first}1.DenseReluDense.wi_0.weight`, [dFf, dModel]);
  checkCount(files, 'encoder.block.', numLayers, 'num_layers');
}

/** How many different numbers stand between `prefix` and the next dot. */
export function countBlocks(names: Iterable<string>, prefix: string): number {
  const numbers = new Set<string>();
  for (const name of names) {
    if (!name.startsWith(prefix)) continue;
    const [number = ''] = name.slice(prefix.length).split('.', 1);
    if (/^\d+$/.test(number)) numbers.add(number);
  }
  return numbers.size;
}

/** @param more By how much the weights hold more than the configuration says. */
function checkCount(
  files: ComponentFiles,
  prefix: string,
  expected: number,
  field: string,
  more = 0,
): void {
  const held = countBlocks(files.tensors.keys(), prefix);
  // More than expected is for `extras.ts`, which names one of them.
  if (held < expected) {
    throw modelFormat(
      `${placeOf(files)}: config.json says ${expected - more} for ${field}, but the weights hold ${held - more} (tensors ${prefix}…).`,
      'The weights are not complete, or do not belong to the config.json beside them.',
    );
  }
  if (expected > MOST_BLOCKS) {
    throw modelFormat(
      `${placeOf(files)}: config.json says ${expected - more} for ${field}, more than the ${MOST_BLOCKS} that are supported.`,
      'No published model has as many: the file is damaged or made up.',
    );
  }
}

function placeOf({ folder, source }: ComponentFiles): string {
  return `${folder || 'checkpoint'} of ${source.name}`;
}
