/**
 * @file Configurations where there is none in diffusers' form: from the `config.json` of Wan's own repositories, and from
 * the shapes of the tensors. Both give what diffusers' file would hold, for the one parser.
 */
import { Fields } from '../../config/fields.ts';
import { modelFormat } from '../../errors.ts';
import type { ComponentFiles } from '../../weights/component.ts';
import { countBlocks } from './header-check.ts';

type Json = Readonly<Record<string, unknown>>;

/** Of every published Wan. */
const HEAD_DIM = 128;

/** Shapes do not tell these: what every Wan 2.1 has. Per channel, as diffusers' `AutoencoderKLWan` has them. */
const LATENTS_MEAN = [
  -0.7571, -0.7089, -0.9113, 0.1075, -0.1745, 0.9653, -0.1517, 1.5508, 0.4134, -0.0715, 0.5517,
  -0.3632, -0.1922, -0.9497, 0.2503, -0.2921,
];
const LATENTS_STD = [
  2.8184, 1.4541, 2.3275, 2.6558, 1.2196, 1.7708, 2.6052, 2.0743, 3.2687, 2.1526, 2.8652, 1.5579,
  1.6382, 1.1253, 2.8251, 1.916,
];

function shapeOf(files: ComponentFiles, name: string): readonly number[] {
  const tensor = files.tensors.get(name);
  if (tensor) return tensor.shape;
  throw modelFormat(
    `${files.folder || 'checkpoint'} of ${files.source.name} has no tensor ${name}.`,
    'The file is not of a Wan 2.1, or is incomplete.',
  );
}

/**
 * @param original Parsed `config.json` of class `WanModel`, which leaves out what no published model changes.
 * @param file Where it comes from, for messages.
 */
export function transformerConfigOf(
  files: ComponentFiles,
  original: Json = {},
  file = 'config.json',
): Json {
  const [width = 0, inChannels = 0, ...patchSize] = shapeOf(files, 'patch_embedding.weight');
  const [outputs = 0] = shapeOf(files, 'proj_out.weight');
  const fields = new Fields(original, file);
  const heads = fields.get('num_heads') === undefined ? width / HEAD_DIM : givenHeads(fields);
  if (!Number.isInteger(heads) || heads < 1) {
    throw modelFormat(
      `patch_embedding.weight in ${files.folder || 'checkpoint'} of ${files.source.name} is ${width} wide, which is no number of heads of ${HEAD_DIM}.`,
      'The file is not of a Wan 2.1. If the model is of another size, give the folder with its config.json.',
    );
  }
  const of = (name: string, otherwise: unknown): unknown => fields.get(name) ?? otherwise;
  const dim = fields.integer('dim', { least: 1, most: Number.MAX_SAFE_INTEGER }, width);
  return {
    _class_name: 'WanTransformer3DModel',
    patch_size: patchSize,
    num_attention_heads: heads,
    attention_head_dim: dim / heads,
    in_channels: of('in_dim', inChannels),
    out_channels: of('out_dim', outputs / patchSize.reduce((a, b) => a * b, 1)),
    text_dim: of('text_dim', shapeOf(files, 'condition_embedder.text_embedder.linear_1.weight')[1]),
    freq_dim: of('freq_dim', shapeOf(files, 'condition_embedder.time_embedder.linear_1.weight')[1]),
    ffn_dim: of('ffn_dim', shapeOf(files, 'blocks.0.ffn.net.0.proj.weight')[0]),
    num_layers: of('num_layers', countBlocks(files.tensors.keys(), 'blocks.')),
    cross_attn_norm: files.tensors.has('blocks.0.norm2.weight'),
    eps: of('eps', 1e-6),
  };
}

function givenHeads(fields: Fields): number {
  return fields.integer('num_heads', { least: 1, most: Number.MAX_SAFE_INTEGER });
}

/** Wan 2.1's form, of any width: nothing else has sixteen channels and the names that it takes to get here. */
export function vaeConfigOf(files: ComponentFiles): Json {
  const [zDim] = shapeOf(files, 'post_quant_conv.weight');
  if (zDim !== LATENTS_MEAN.length) {
    throw modelFormat(
      `post_quant_conv.weight in ${files.folder || 'checkpoint'} of ${files.source.name} is for ${zDim} channels, not ${LATENTS_MEAN.length}.`,
      "A single file must be Wan 2.1's VAE; give others as a folder with config.json.",
    );
  }
  return {
    _class_name: 'AutoencoderKLWan',
    z_dim: zDim,
    base_dim: shapeOf(files, 'decoder.conv_out.weight')[1],
    latents_mean: LATENTS_MEAN,
    latents_std: LATENTS_STD,
  };
}

export function umt5ConfigOf(files: ComponentFiles): Json {
  const block = 'encoder.block.0.layer.';
  const bias = `${block}0.SelfAttention.relative_attention_bias.weight`;
  const [buckets, heads = 1] = shapeOf(files, bias);
  const [inner = 0] = shapeOf(files, `${block}0.SelfAttention.q.weight`);
  const [vocabSize, dModel] = shapeOf(files, 'shared.weight');
  return {
    model_type: 'umt5',
    vocab_size: vocabSize,
    d_model: dModel,
    d_kv: inner / heads,
    d_ff: shapeOf(files, `${block}1.DenseReluDense.wi_0.weight`)[0],
    num_layers: countBlocks(files.tensors.keys(), 'encoder.block.'),
    num_heads: heads,
    relative_attention_num_buckets: buckets,
  };
}
