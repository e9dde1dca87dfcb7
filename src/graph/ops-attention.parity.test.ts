import { afterAll, expect, test } from 'vitest';
import { testBackend } from '../testing/backend.ts';
import { relativeError } from '../testing/fixtures.ts';
import { attention, GraphBuilder } from './index.ts';

const backend = await testBackend();
afterAll(() => backend.dispose());

function numbers(count: number, phase: number): Float32Array<ArrayBuffer> {
  return Float32Array.from({ length: count }, (_, i) => 2 * Math.sin(i * 12.9898 + phase * 78.233));
}

/** As the formula says; all `[S, heads · d]`. */
function reference(
  [query, key, value]: readonly Float32Array[],
  tokens: number,
  heads: number,
  d: number,
): number[] {
  const result: number[] = [];
  const at = (data: Float32Array | undefined, token: number, head: number, i: number): number =>
    data?.[(token * heads + head) * d + i] ?? Number.NaN;
  for (let q = 0; q < tokens; q++) {
    for (let head = 0; head < heads; head++) {
      const scores = Array.from({ length: tokens }, (_, k) => {
        let sum = 0;
        for (let i = 0; i < d; i++) sum += at(query, q, head, i) * at(key, k, head, i);
        return Math.exp(sum / Math.sqrt(d));
      });
      const total = scores.reduce((a, b) => a + b, 0);
      for (let i = 0; i < d; i++) {
        result.push(scores.reduce((sum, s, k) => sum + (s / total) * at(value, k, head, i), 0));
      }
    }
  }
  return result;
}

// 32 queries and more are another kernel's, which is wrong on devices with small subgroups: docs/decisions/0001.
test.each([31, 32, 66, 130])('attention of %i tokens is softmax(QKᵀ / √d)V', async (tokens) => {
  const [heads, d] = [2, 16];
  const shape = [1, tokens, heads * d];
  const g = new GraphBuilder(`attention ${tokens}`);
  const query = g.input('query', 'float32', shape);
  const key = g.input('key', 'float32', shape);
  const value = g.input('value', 'float32', shape);
  g.output('output', attention(g, query, key, value, heads));
  const graph = g.build();
  const data = graph.inputs.map((_, i) => numbers(tokens * heads * d, i));
  const inputs = Object.fromEntries(
    graph.inputs.map(({ name, dtype }, i) => {
      const tensor = backend.allocate(dtype, shape, 'activations');
      backend.upload(tensor, data[i] ?? new Float32Array());
      return [name, tensor];
    }),
  );
  const output = backend.allocate('float32', shape, 'activations');
  await backend.run(graph, inputs, { output });
  const result = await backend.download(output);
  expect(relativeError(result, reference(data, tokens, heads, d))).toBeLessThan(1e-5);
});
