import { afterAll, expect, test } from 'vitest';
import { testBackend } from '../testing/backend.ts';
import { conv2d, type Graph, GraphBuilder, relu, type Value } from './index.ts';

/** Runs a graph over `x` `[1, 1, n, 1]`, with weights that copy their input. */
async function compute(
  build: (g: GraphBuilder, x: Value) => Value,
  x: readonly number[],
): Promise<number[]> {
  const backend = await testBackend();
  const shape = [1, 1, x.length, 1];
  const g = new GraphBuilder('values that are not finite');
  g.output('y', build(g, g.input('x', 'float32', shape)));
  const graph: Graph = g.build();
  const tensors = [...graph.inputs, ...graph.weights, ...graph.outputs].map((value) => {
    const tensor = backend.allocate(value.dtype, value.shape, 'activations');
    return [value.name, tensor] as const;
  });
  const bound = Object.fromEntries(tensors);
  const tensorOf = (name: string) => bound[name] ?? expect.unreachable();
  backend.upload(tensorOf('x'), Float32Array.from(x));
  // The middle of a 3×3 kernel.
  for (const { name } of graph.weights) {
    backend.upload(tensorOf(name), Float32Array.of(0, 0, 0, 0, 1, 0, 0, 0, 0));
  }
  const { y, ...inputs } = bound;
  await backend.prepare(graph);
  await backend.run(graph, inputs, { y: y ?? expect.unreachable() });
  const result = [...(await backend.download(tensorOf('y')))];
  for (const [, tensor] of tensors) backend.free(tensor);
  return result;
}

afterAll(async () => {
  await (await testBackend()).dispose();
});

// A decoder whose relu turned NaN into 0 would make a black picture of a decode that failed.
test('relu keeps NaN and infinity, so that they can be seen afterwards', async () => {
  const x = [1, NaN, -1, Infinity, 0.5, NaN, NaN, -0.5];
  const y = await compute((g, value) => relu(g, value), x);
  expect(y.map((value) => (value === 0 ? 0 : value))).toEqual([
    1,
    NaN,
    0,
    Infinity,
    0.5,
    NaN,
    NaN,
    0,
  ]);
});

test('relu after a convolution keeps NaN', async () => {
  const x = [1, 1, 1, 1, NaN, 1, 1, 1];
  const y = await compute((g, value) => {
    const weight = g.weight('w', 'float32', [1, 1, 3, 3]);
    return relu(g, conv2d(g, value, weight, undefined));
  }, x);
  expect(y[4]).toBeNaN();
  expect(y[0]).toBe(1);
});
