/**
 * @file Attention in blocks of queries, for onnxruntime's CPU kernel. That kernel holds the scores of all its queries at
 * once, and its estimate of the work overflows 32 bits where 2 · queries · keys · headDim ≥ 2³¹. A query's result depends
 * on no other query, so the blocks give what the whole gives.
 */
import { create } from '@bufbuild/protobuf';
import {
  AttributeProto_AttributeType as AttributeType,
  type AttributeProto,
  AttributeProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  type TensorProto,
  TensorProto_DataType as DataType,
  TensorProtoSchema,
} from 'onnx-buf';
import { bytesPerElement, type Value } from './types.ts';

/** Bytes of scores that one block may take; docs/decisions/0011 has the measurements. */
export const SCORE_BYTES = 64 * 2 ** 20;

/** The kernel counts `2 · queries · keys · headDim` in a signed 32-bit number. */
const COST_LIMIT = 2 ** 31;

const QUERY_AXIS = 1;
const BIAS_QUERY_AXIS = 2;
/** Position of the bias among the operator's inputs. */
const BIAS_INPUT = 5;

export interface AttentionSize {
  readonly batch: number;
  readonly heads: number;
  readonly queries: number;
  readonly keys: number;
  /** The wider of a head of keys and a head of values. */
  readonly headDim: number;
}

/** A plan looks at no more blocks than these: what they take together hardly depends on how many they are. */
export const MOST_BLOCKS_TO_PLAN = 64;

/** Queries of a block at the most. */
export function mostRows(size: AttentionSize, scoreBytes = SCORE_BYTES): number {
  const { batch, heads, queries, keys, headDim } = size;
  const byCost = Math.ceil(COST_LIMIT / (2 * keys * headDim)) - 1;
  const byScores = Math.floor(scoreBytes / (batch * heads * keys * bytesPerElement('float32')));
  return Math.max(1, Math.min(queries, byCost, byScores));
}

/** Rows of each block of queries: as equal as they can be, and as few as fit. @param mostBlocks Larger ones, if need be. */
export function queryBlocks(
  size: AttentionSize,
  scoreBytes?: number,
  mostBlocks = Infinity,
): readonly number[] {
  const { queries } = size;
  const count = Math.min(mostBlocks, Math.ceil(queries / mostRows(size, scoreBytes)));
  const rows = Math.floor(queries / count);
  const larger = queries % count;
  return Array.from({ length: count }, (_, i) => (i < larger ? rows + 1 : rows));
}

/** What a kernel is asked for, from the operands of a `MultiHeadAttention` node. */
export function attentionSize(
  node: NodeProto,
  valueOf: (name: string) => Value | undefined,
): AttentionSize {
  const [query, key, value] = node.input.map((name) => valueOf(name)?.shape ?? []);
  const heads = Number(node.attribute.find(({ name }) => name === 'num_heads')?.i ?? 1n);
  const [batch = 1, queries = 1] = query ?? [];
  const [, keys = 1, width = 1] = key ?? [];
  const headDim = Math.max(width, value?.[2] ?? 1) / heads;
  return { batch, heads, queries, keys, headDim };
}

export interface Replacement {
  readonly nodes: readonly NodeProto[];
  readonly constants: readonly TensorProto[];
  readonly values: readonly Value[];
}

/** The nodes that stand for a `MultiHeadAttention` node, or undefined if one block does. */
export function splitQueries(
  node: NodeProto,
  valueOf: (name: string) => Value | undefined,
  scoreBytes?: number,
  mostBlocks?: number,
): Replacement | undefined {
  const rows = queryBlocks(attentionSize(node, valueOf), scoreBytes, mostBlocks);
  if (rows.length === 1) return undefined;
  const [query = '', key = '', value = ''] = node.input;
  const bias = node.input[BIAS_INPUT];
  const [result = ''] = node.output;
  const name = (part: string): string => `${result}/${part}`;
  const sizes = create(TensorProtoSchema, {
    name: name('rows'),
    dataType: DataType.INT64,
    dims: [BigInt(rows.length)],
    rawData: new Uint8Array(BigInt64Array.from(rows.map(BigInt)).buffer),
  });
  const values: Value[] = [];
  const declare = (like: string, part: string, axis: number, block: number): string => {
    const whole = valueOf(like);
    if (!whole) throw new Error(`${like} has no shape`);
    const { dtype, shape } = whole;
    values.push({ name: name(part), dtype, shape: shape.with(axis, rows[block] ?? 1) });
    return name(part);
  };
  const cut = (whole: string, part: string, axis: number): NodeProto =>
    create(NodeProtoSchema, {
      opType: 'Split',
      name: name(part),
      input: [whole, sizes.name],
      output: rows.map((_, i) => declare(whole, `${part}.${i}`, axis, i)),
      attribute: [axisAttribute(axis)],
    });
  const queries = cut(query, 'query', QUERY_AXIS);
  const biases = bias ? cut(bias, 'bias', BIAS_QUERY_AXIS) : undefined;
  const blocks = rows.map((_, i) =>
    create(NodeProtoSchema, {
      ...node,
      name: name(`block.${i}`),
      input: [
        queries.output[i] ?? '',
        key,
        value,
        ...(biases ? ['', '', biases.output[i] ?? ''] : []),
      ],
      output: [declare(result, `block.${i}`, QUERY_AXIS, i)],
    }),
  );
  const joined = create(NodeProtoSchema, {
    opType: 'Concat',
    name: result,
    input: blocks.flatMap(({ output }) => output),
    output: [result],
    attribute: [axisAttribute(QUERY_AXIS)],
  });
  const nodes = [queries, ...(biases ? [biases] : []), ...blocks, joined];
  return { nodes, constants: [sizes], values };
}

function axisAttribute(axis: number): AttributeProto {
  return create(AttributeProtoSchema, { name: 'axis', type: AttributeType.INT, i: BigInt(axis) });
}
