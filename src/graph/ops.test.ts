import { describe, expect, test } from 'vitest';
import { ZoetropeError } from '../errors.ts';
import * as ops from './index.ts';
import { type DType, type Graph, GraphBuilder, type Shape, type Value } from './index.ts';

/** What an op says of operands that do not fit. */
function refusal(build: (g: GraphBuilder) => unknown): string {
  try {
    build(new GraphBuilder('test'));
  } catch (error) {
    if (error instanceof ZoetropeError && error.code === 'model-format') return error.message;
    throw error;
  }
  throw new Error('nothing was refused');
}

function inputs(g: GraphBuilder, ...shapes: readonly Shape[]): Value[] {
  return shapes.map((shape, i) => g.input(`in${i}`, 'float32', shape));
}

type Op = (g: GraphBuilder, ...operands: Value[]) => Value;

/** An op over float32 operands of the given shapes. */
function apply(
  op: (g: GraphBuilder, a: Value, b: Value, c: Value) => Value,
  ...shapes: Shape[]
): Shape {
  const g = new GraphBuilder('test');
  return call(op)(g, ...inputs(g, ...shapes)).shape;
}

/** The refusal of float32 operands of the given shapes. */
function float(op: (g: GraphBuilder, ...x: Value[]) => unknown, ...shapes: Shape[]): string {
  return refusal((g) => op(g, ...inputs(g, ...shapes)));
}

function call(op: unknown): Op {
  return op as Op;
}

function build(dtype: DType, dim: number, name = 'graph'): Graph {
  const g = new GraphBuilder(name);
  const x = g.input('x', dtype, [dim, 2]);
  g.output('y', ops.add(g, x, ops.mul(g, x, x)));
  return g.build();
}

describe('an op infers its shape', () => {
  const cases: readonly [string, Shape, Shape][] = [
    ['add broadcasts both operands', apply(ops.add, [2, 1, 3], [4, 1]), [2, 4, 3]],
    ['mul broadcasts a scalar', apply(ops.mul, [2, 3], []), [2, 3]],
    ['linear replaces the last axis', apply(ops.linear, [2, 5, 3], [7, 3]), [2, 5, 7]],
    ['reshape', apply((g, x) => ops.reshape(g, x, [3, 4]), [2, 6]), [3, 4]],
    ['transpose', apply((g, x) => ops.transpose(g, x, [2, 0, 1]), [2, 3, 4]), [4, 2, 3]],
    ['concat', apply((g, a, b) => ops.concat(g, [a, b], 1), [2, 3], [2, 4]), [2, 7]],
    ['slice', apply((g, x) => ops.slice(g, x, 1, 1, 3), [2, 4]), [2, 2]],
    ['expand', apply((g, x) => ops.expand(g, x, [2, 5]), [2, 1]), [2, 5]],
    ['conv2d', apply(ops.conv2d, [2, 4, 5, 3], [6, 3, 3, 3], [6]), [2, 4, 5, 6]],
    ['conv2d of odd channels', apply(ops.conv2d, [1, 4, 5, 3], [8, 3, 1, 1], [8]), [1, 4, 5, 8]],
    ['upsampleNearest2x', apply(ops.upsampleNearest2x, [3, 2, 5, 4]), [3, 4, 10, 4]],
    [
      'channelsToFrames',
      apply((g, x) => ops.channelsToFrames(g, x, 2, 2), [3, 2, 5, 16]),
      [6, 4, 10, 2],
    ],
    ['repeatChannels', apply((g, x) => ops.repeatChannels(g, x, 3), [1, 2, 2, 4]), [1, 2, 2, 12]],
    [
      'attention takes its width from the values',
      apply((g, q, k, v) => ops.attention(g, q, k, v, 2), [1, 3, 8], [1, 5, 8], [1, 5, 12]),
      [1, 3, 12],
    ],
  ];
  test.each(cases)('%s', (_, actual, expected) => expect(actual).toEqual(expected));

  test('split gives equal parts', () => {
    const g = new GraphBuilder('test');
    const parts = ops.split(g, g.input('x', 'float16', [2, 6]), 1, 3);
    expect(parts.map(({ dtype, shape }) => ({ dtype, shape }))).toEqual(
      Array.from({ length: 3 }, () => ({ dtype: 'float16', shape: [2, 2] })),
    );
  });

  test('gather puts the indices in the place of the first axis', () => {
    const g = new GraphBuilder('test');
    const table = g.input('table', 'float32', [9, 4]);
    const rows = ops.gather(g, table, g.input('indices', 'int32', [2, 3]));
    expect(rows.shape).toEqual([2, 3, 4]);
  });

  test('ops that change nothing give back their operand', () => {
    const g = new GraphBuilder('test');
    const x = g.input('x', 'float32', [2, 3]);
    expect(ops.reshape(g, x, [2, 3])).toBe(x);
    expect(ops.cast(g, x, 'float32')).toBe(x);
    expect(ops.slice(g, x, 0, 0, 2)).toBe(x);
    expect(ops.expand(g, x, [2, 3])).toBe(x);
    expect(ops.concat(g, [x], 0)).toBe(x);
  });

  test('a float16 weight keeps the float32 residual stream', () => {
    const g = new GraphBuilder('test');
    const x = g.input('x', 'float32', [2, 3]);
    const weight = g.input('w', 'float16', [4, 3]);
    expect(ops.linear(g, x, weight).dtype).toBe('float32');
    expect(ops.cast(g, x, 'float16').dtype).toBe('float16');
  });
});

describe('an op names itself, the graph, and the operands that do not fit', () => {
  const cases: readonly [string, string, readonly string[]][] = [
    [
      'linear with another K',
      float(call(ops.linear), [2, 3], [4, 5]),
      ['Gemm', '[2, 3]', '[4, 5]'],
    ],
    ['add', float(call(ops.add), [2, 3], [4, 3]), ['Add', '[2, 3]', '[4, 3]', 'broadcast']],
    ['mul', float(call(ops.mul), [2], [3]), ['Mul', '[2]', '[3]']],
    [
      'concat',
      float((g, a, b) => a && b && ops.concat(g, [a, b], 0), [2, 3], [2, 4]),
      ['Concat', '[2, 3]', '[2, 4]', 'axis 0'],
    ],
    [
      'concat on an axis that is not there',
      float((g, a) => a && ops.concat(g, [a], 2), [2, 3]),
      ['Concat', 'axis 2'],
    ],
    [
      'reshape to another number of elements',
      float((g, x) => x && ops.reshape(g, x, [5]), [2, 3]),
      ['Reshape', '[2, 3]', '[5]'],
    ],
    [
      'reshape to negative dimensions',
      float((g, x) => x && ops.reshape(g, x, [-2, -3]), [2, 3]),
      ['Reshape', '[-2, -3]', 'positive'],
    ],
    [
      'transpose by what is no permutation',
      float((g, x) => x && ops.transpose(g, x, [0, 0]), [2, 3]),
      ['Transpose', '[0, 0]', '[2, 3]'],
    ],
    [
      'transpose by an axis that is not there',
      float((g, x) => x && ops.transpose(g, x, [0, 2]), [2, 3]),
      ['Transpose', '[2, 3]'],
    ],
    [
      'slice',
      float((g, x) => x && ops.slice(g, x, 1, 2, 4), [2, 3]),
      ['Slice', '[2, 4)', '[2, 3]'],
    ],
    ['split', float((g, x) => x && ops.split(g, x, 1, 2), [2, 3]), ['Split', '[2, 3]']],
    ['expand', float((g, x) => x && ops.expand(g, x, [4, 3]), [2, 3]), ['Expand', '[4, 3]']],
    ['gather', float(call(ops.gather), [2, 3], [4]), ['Gather', 'integers', '[4]']],
    [
      'conv2d with an even kernel',
      float(call(ops.conv2d), [1, 4, 4, 4], [4, 4, 2, 2], [4]),
      ['Conv', 'odd', '[4, 4, 2, 2]'],
    ],
    [
      'conv2d with other channels',
      float(call(ops.conv2d), [1, 4, 4, 4], [4, 8, 3, 3], [4]),
      ['Conv', '[4, 8, 3, 3]'],
    ],
    ['upsampling of no frames', float(call(ops.upsampleNearest2x), [4, 4, 4]), ['[4, 4, 4]']],
    [
      'channelsToFrames',
      float((g, x) => x && ops.channelsToFrames(g, x, 2, 2), [1, 2, 2, 12]),
      ['channelsToFrames', '[1, 2, 2, 12]'],
    ],
    [
      'layerNorm',
      float(
        (g, x, scale, bias) => x && scale && bias && ops.layerNorm(g, x, 1e-6, { scale, bias }),
        [2, 3],
        [2],
        [2],
      ),
      ['LayerNormalization', '[2, 3]'],
    ],
    [
      'rmsNorm',
      float((g, x, scale) => x && scale && ops.rmsNorm(g, x, scale, 1e-6), [2, 3], [2]),
      ['SimplifiedLayerNormalization', '[2, 3]'],
    ],
    [
      'attention heads that do not divide the width',
      float((g, q) => q && ops.attention(g, q, q, q, 3), [1, 2, 8]),
      ['MultiHeadAttention', '3 heads', '[1, 2, 8]'],
    ],
    [
      'attention with fewer values than keys',
      float((g, q, v) => q && v && ops.attention(g, q, q, v, 2), [1, 4, 8], [1, 3, 8]),
      ['MultiHeadAttention', '[1, 3, 8]'],
    ],
    [
      'attention with a bias of other keys',
      float(
        (g, q, bias) => q && bias && ops.attention(g, q, q, q, 2, { bias }),
        [1, 4, 8],
        [1, 2, 4, 5],
      ),
      ['MultiHeadAttention', 'bias', '[1, 2, 4, 5]'],
    ],
    [
      'rotary tables of other tokens',
      float((g, x, t) => x && t && ops.rotaryEmbedding(g, x, t, t, 2), [1, 4, 8], [3, 2]),
      ['RotaryEmbedding', '[3, 2]'],
    ],
  ];
  test.each(cases)('%s', (_, message, words) => {
    for (const word of [...words, 'graph "test"']) expect(message).toContain(word);
  });

  test('operands of different element types', () => {
    const message = refusal((g) =>
      ops.add(g, g.input('a', 'float32', [2]), g.input('b', 'float16', [2])),
    );
    expect(message).toContain('float32[2], float16[2]');
    expect(message).toContain('element types differ');
  });

  test('a name used twice, dimensions of zero or a half, and a graph without outputs', () => {
    const twice = refusal((g) => [1, 2].map(() => g.input('x', 'float32', [2])));
    expect(twice).toContain('x is taken');
    for (const dim of [0, -1, 1.5, Number.NaN]) {
      expect(refusal((g) => g.input('x', 'float32', [2, dim]))).toContain(`float32[2, ${dim}]`);
    }
    expect(refusal((g) => g.build())).toContain('no outputs');
    expect(refusal((g) => g.output('x', g.input('x', 'float32', [2])))).toContain('x is taken');
  });

  test('data that does not fill its shape', () => {
    expect(refusal((g) => g.constant(new Float32Array(3), [2]))).toContain('3 elements');
    expect(refusal((g) => g.weight('w', 'float32', [2], { shape: [3] }))).toContain('[3]');
  });
});

describe('a graph', () => {
  test('has equal bytes and key when it is built the same way', () => {
    expect(build('float32', 3).bytes).toEqual(build('float32', 3).bytes);
    expect(build('float32', 3).key).toBe(build('float32', 3).key);
  });

  test('has another key with another shape, element type, or name', () => {
    const graphs = [
      build('float32', 3),
      build('float32', 4),
      build('float16', 3),
      build('float32', 3, 'other'),
    ];
    expect(new Set(graphs.map(({ key }) => key)).size).toBe(graphs.length);
  });

  test('stores equal constants once, and tells 0 from −0', () => {
    const g = new GraphBuilder('test');
    const zero = g.constant(Float32Array.of(0));
    expect(g.constant(Float32Array.of(0))).toBe(zero);
    expect(g.constant(Int32Array.of(0))).not.toBe(zero);
    expect(g.constant(Float32Array.of(0), [1, 1])).not.toBe(zero);
    expect(g.constant(Float32Array.of(-0))).not.toBe(zero);
  });

  test('counts the operations of its products', () => {
    const g = new GraphBuilder('test');
    const [x, w, frames, kernel, bias, q] = inputs(
      g,
      [2, 5, 3],
      [7, 3],
      [2, 4, 5, 4],
      [8, 4, 3, 3],
      [8],
      [1, 6, 8],
    );
    if (!x || !w || !frames || !kernel || !bias || !q) throw new Error('inputs');
    ops.linear(g, x, w);
    ops.conv2d(g, frames, kernel, bias);
    g.output('y', ops.attention(g, q, q, q, 2));
    expect(g.build().flops).toBe(2 * 10 * 3 * 7 + 2 * 40 * 8 * 4 * 9 + 2 * 2 * 6 * 6 * 8);
  });

  test('declares a weight once, with the shape that the checkpoint has', () => {
    const g = new GraphBuilder('test');
    const x = g.input('x', 'float32', [2, 3]);
    g.output('y', ops.linearLayer(g, x, 'proj', 4, { sourceOnes: 2 }));
    const again = g.weight('proj.bias', 'float32', [4]);
    expect(again.name).toBe('proj.bias');
    expect(g.build().weights.map(({ name, sourceShape }) => [name, sourceShape])).toEqual([
      ['proj.weight', [4, 3, 1, 1]],
      ['proj.bias', [4]],
    ]);
  });
});
