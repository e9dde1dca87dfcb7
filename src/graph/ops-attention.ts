/** @file Attention, always in float32: float16 kernels sum in float16 and drift with the number of keys. */
import type { GraphBuilder } from './builder.ts';
import { first } from './ops-elementwise.ts';
import { bufferBytes, sameShape, type Value } from './types.ts';

/**
 * Rotary position embedding of adjacent pairs (Su et al. 2021). One row of cosines and sines a token, so that tables of
 * any number of axes fit.
 * @param x `[B, S, heads · headDim]`; @param cos, sin `[S, headDim / 2]`.
 */
export function rotaryEmbedding(
  g: GraphBuilder,
  x: Value,
  cos: Value,
  sin: Value,
  heads: number,
): Value {
  const [, tokens, width] = x.shape;
  const pairs = cos.shape[1] ?? 0;
  const isTable = cos.shape[0] === tokens && sameShape(cos.shape, sin.shape);
  if (x.shape.length !== 3 || !isTable || pairs * 2 * heads !== width) {
    g.fail('RotaryEmbedding', 'tables must be [tokens, headDim / 2]', [x, cos, sin]);
  }
  // One start offset: token i reads row i of the tables.
  const position = g.constant(BigInt64Array.of(0n));
  return first(
    g.node('RotaryEmbedding', [x, position, cos, sin], [x], {
      domain: 'com.microsoft',
      attributes: { interleaved: 1n, num_heads: BigInt(heads) },
    }),
  );
}

/**
 * softmax(query · keyᵀ · scale + bias) · value, by heads.
 * @param query `[B, S, heads · d]`; @param key `[B, T, heads · d]`; @param value `[B, T, heads · dv]`.
 * @param options.scale Default 1 / √d.
 * @param options.bias Additive, `[1 | B, 1 | heads, S, T]`.
 */
export function attention(
  g: GraphBuilder,
  query: Value,
  key: Value,
  value: Value,
  heads: number,
  options: { scale?: number; bias?: Value } = {},
): Value {
  const [batch, queries, width] = query.shape;
  const [keyBatch, keys, keyWidth] = key.shape;
  const valueWidth = value.shape[2];
  const operands = options.bias ? [query, key, value, options.bias] : [query, key, value];
  if (
    batch === undefined ||
    queries === undefined ||
    width === undefined ||
    valueWidth === undefined ||
    keyBatch !== batch ||
    keyWidth !== width ||
    value.shape[0] !== batch ||
    value.shape[1] !== keys ||
    width % heads !== 0 ||
    valueWidth % heads !== 0 ||
    operands.some((operand) => operand.dtype !== 'float32')
  ) {
    g.fail(
      'MultiHeadAttention',
      `query, key and value must fit ${heads} heads in float32`,
      operands,
    );
  }
  if (options.bias) {
    const [b, h, s, t] = options.bias.shape;
    const fits =
      (b === 1 || b === batch) && (h === 1 || h === heads) && s === queries && t === keys;
    if (!fits) g.fail('MultiHeadAttention', 'bias must be [B, heads, S, T]', operands);
  }
  const inputs = options.bias ? [query, key, value, null, null, options.bias] : [query, key, value];
  const scale = options.scale ?? 1 / Math.sqrt(width / heads);
  return first(
    g.node(
      'MultiHeadAttention',
      inputs,
      [{ dtype: 'float32', shape: [batch, queries, valueWidth] }],
      {
        domain: 'com.microsoft',
        attributes: { num_heads: BigInt(heads), scale },
        kernelBuffers: attentionBuffers(query, key, value, heads),
        flops: 2 * batch * queries * (keys ?? 0) * (width + valueWidth),
      },
    ),
  );
}

/** Fewer queries than these are taken by a kernel that cuts the keys into parts. */
const MIN_FLASH_QUERIES = 32;
const KEYS_A_PART = 64;

/** Sizes of what the kernels keep for themselves: keys and values by heads, and for few queries the parts' results. */
function attentionBuffers(query: Value, key: Value, value: Value, heads: number): number[] {
  const copies = [key, value].map(({ shape }) => bufferBytes('float32', shape));
  const [batch = 1, queries = 1] = query.shape;
  if (queries >= MIN_FLASH_QUERIES) return copies;
  const [, keys = 1, width = 1] = value.shape;
  const parts = Math.ceil(keys / KEYS_A_PART);
  const rows = batch * heads * queries;
  const inParts = [
    [rows, keys],
    [rows, parts, 2],
    [batch * queries, parts, width],
  ];
  return [...copies, ...inParts.map((shape) => bufferBytes('float32', shape))];
}
