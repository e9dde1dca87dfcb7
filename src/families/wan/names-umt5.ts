/**
 * @file Names of umT5's tensors in Wan's own file, as transformers calls the same ones; and of the one table that
 * transformers' files have under either of two names. Reference: `T5Encoder` of Wan-Video/Wan2.1, `UMT5EncoderModel`.
 */
import type { NameMap } from '../../weights/component.ts';

/** A map, so that a part named like a method of every object is not found. */
const PARTS: ReadonlyMap<string, string> = new Map(
  Object.entries({
    norm1: 'layer.0.layer_norm',
    'attn.q': 'layer.0.SelfAttention.q',
    'attn.k': 'layer.0.SelfAttention.k',
    'attn.v': 'layer.0.SelfAttention.v',
    'attn.o': 'layer.0.SelfAttention.o',
    'pos_embedding.embedding': 'layer.0.SelfAttention.relative_attention_bias',
    norm2: 'layer.1.layer_norm',
    'ffn.gate.0': 'layer.1.DenseReluDense.wi_0',
    'ffn.fc1': 'layer.1.DenseReluDense.wi_1',
    'ffn.fc2': 'layer.1.DenseReluDense.wo',
  }),
);

const EMBEDDING = 'shared.weight';
const SAME_EMBEDDING = 'encoder.embed_tokens.weight';

export const umt5Names: NameMap = (names) => {
  if (names.includes('token_embedding.weight')) return fromOriginal;
  if (names.includes(EMBEDDING)) return (name) => name;
  return (name) => (name === SAME_EMBEDDING ? EMBEDDING : name);
};

function fromOriginal(name: string): string {
  if (name === 'token_embedding.weight') return EMBEDDING;
  if (name === 'norm.weight') return 'encoder.final_layer_norm.weight';
  const [, block, part = ''] = /^blocks\.(\d+)\.(.+)\.weight$/.exec(name) ?? [];
  const known = PARTS.get(part);
  return block === undefined || known === undefined
    ? name
    : `encoder.block.${block}.${known}.weight`;
}
