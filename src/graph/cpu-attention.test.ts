import { assert, integer, property, record } from 'fast-check';
import { describe, expect, test } from 'vitest';
import { openBackend } from '../runtime/open-backend.ts';
import { relativeError } from '../testing/fixtures.ts';
import { queryBlocks, SCORE_BYTES } from './cpu-attention.ts';
import { attention, elementCount, type Graph, GraphBuilder, type Shape } from './index.ts';

interface Size {
  readonly batch: number;
  readonly heads: number;
  readonly queries: number;
  readonly keys: number;
  readonly headDim: number;
  /** Axes 0 and 1 of the bias; absent: none. */
  readonly bias?: readonly [number, number];
}

function attentionGraph({ batch, heads, queries, keys, headDim, bias }: Size): Graph {
  const g = new GraphBuilder('attention');
  const query = g.input('query', 'float32', [batch, queries, heads * headDim]);
  const key = g.input('key', 'float32', [batch, keys, heads * headDim]);
  const value = g.input('value', 'float32', [batch, keys, heads * headDim]);
  const added = bias && g.input('bias', 'float32', [...bias, queries, keys]);
  g.output('output', attention(g, query, key, value, heads, added ? { bias: added } : {}));
  return g.build();
}

function numbers(shape: Shape, phase: number): Float32Array<ArrayBuffer> {
  return Float32Array.from({ length: elementCount(shape) }, (_, i) =>
    Math.sin(i * 12.9898 + phase),
  );
}

async function run(graph: Graph, scoreBytes?: number): Promise<Float32Array> {
  const backend = await openBackend('wasm', { scoreBytes });
  try {
    const inputs = graph.inputs.map(({ name, shape }, i) => {
      const tensor = backend.allocate('float32', shape, 'activations');
      backend.upload(tensor, numbers(shape, i));
      return [name, tensor] as const;
    });
    const output = backend.allocate('float32', graph.outputs[0]?.shape ?? [], 'activations');
    await backend.run(graph, Object.fromEntries(inputs), { output });
    return await backend.download(output);
  } finally {
    await backend.dispose();
  }
}

describe('attention on the CPU', () => {
  test('is cut into blocks that are equal, within both bounds, and no more than it takes', () => {
    const size = record({
      batch: integer({ min: 1, max: 2 }),
      heads: integer({ min: 1, max: 40 }),
      queries: integer({ min: 1, max: 80_000 }),
      keys: integer({ min: 1, max: 80_000 }),
      headDim: integer({ min: 1, max: 512 }),
    });
    assert(
      property(size, (each) => {
        const { batch, heads, queries, keys, headDim } = each;
        const rows = queryBlocks(each);
        const most = Math.max(...rows);
        const fits = (block: number): boolean =>
          2 * block * keys * headDim < 2 ** 31 && batch * heads * block * keys * 4 <= SCORE_BYTES;
        expect(rows.reduce((a, b) => a + b)).toBe(queries);
        expect(most - Math.min(...rows)).toBeLessThanOrEqual(1);
        expect(most === 1 || fits(most)).toBe(true);
        expect(rows.length === 1 || !fits(Math.ceil(queries / (rows.length - 1)))).toBe(true);
      }),
    );
  });

  test('keeps the very graph where one block does', () => {
    const graph = attentionGraph({ batch: 1, heads: 2, queries: 64, keys: 64, headDim: 8 });
    expect(graph.forCpu()).toMatchObject({ key: graph.key, bytes: graph.bytes });
    expect(graph.forCpu(1024).key).not.toBe(graph.key);
    expect(graph.forCpu().key).toBe(graph.key);
  });

  const small = { batch: 1, heads: 2, queries: 50, keys: 70, headDim: 8 };
  test.each<Size>([
    small,
    { ...small, batch: 2 },
    { ...small, bias: [1, 2] },
    { ...small, bias: [1, 1] },
    { ...small, batch: 2, bias: [2, 2] },
  ])('gives the same in blocks: %j', async (size) => {
    const graph = attentionGraph(size);
    const whole = await run(graph);
    // Seven queries to a block, and one row.
    for (const scoreBytes of [7 * size.batch * 2 * 70 * 4, 1]) {
      expect(relativeError(await run(graph, scoreBytes), whole)).toBeLessThan(1e-6);
    }
  });

  test('runs where the estimate of the work passes 31 bits', async () => {
    const tokens = 2897;
    const wide = { batch: 1, heads: 1, queries: tokens, keys: tokens, headDim: 128 };
    const output = await run(attentionGraph(wide));
    expect(output.every(Number.isFinite)).toBe(true);
    // By the estimate alone: room for scores is not what asks for two blocks.
    expect(queryBlocks(wide, Infinity)).toEqual([1449, 1448]);
  });
});
