import { afterAll, describe, expect, test } from 'vitest';
import { openBackend } from '../runtime/open-backend.ts';
import { relativeError } from '../testing/fixtures.ts';
import * as ops from './index.ts';
import { elementCount, GraphBuilder, type Shape, type Value } from './index.ts';

const backend = await openBackend('wasm');
afterAll(() => backend.dispose());

/** Numbers with no pattern that an error could hide in. */
function numbers(count: number, phase: number): Float32Array<ArrayBuffer> {
  return Float32Array.from({ length: count }, (_, i) => Math.sin(i * 12.9898 + phase * 78.233));
}

/** Runs `build` over operands of the given shapes; the outputs, and the data of operands and then of weights. */
async function compute(
  shapes: readonly Shape[],
  build: (g: GraphBuilder, operands: readonly Value[]) => readonly Value[],
): Promise<{ data: Float32Array[]; outputs: Float32Array[] }> {
  const g = new GraphBuilder('numeric');
  const operands = shapes.map((shape, i) => g.input(`in${i}`, 'float32', shape));
  for (const [i, value] of build(g, operands).entries()) g.output(`out${i}`, value);
  const graph = g.build();
  const data = shapes.map((shape, i) => numbers(elementCount(shape), i + 1));
  const bind = (values: readonly Value[], from: readonly Float32Array<ArrayBuffer>[]) =>
    values.map(({ name, dtype, shape }, i) => {
      const tensor = backend.allocate(dtype, shape, 'activations');
      backend.upload(tensor, from[i] ?? new Float32Array(elementCount(shape)));
      return [name, tensor] as const;
    });
  const weights = graph.weights.map(({ shape }, i) => numbers(elementCount(shape), i + 100));
  const inputs = Object.fromEntries([...bind(graph.inputs, data), ...bind(graph.weights, weights)]);
  const outputs = Object.fromEntries(bind(graph.outputs, []));
  await backend.run(graph, inputs, outputs);
  const results = await Promise.all(Object.values(outputs).map((each) => backend.download(each)));
  return { data: [...data, ...weights], outputs: results };
}

function at(data: ArrayLike<number> | undefined, index: number): number {
  return data?.[index] ?? Number.NaN;
}

function expectClose(actual: Float32Array | undefined, expected: readonly number[]): void {
  expect(relativeError(actual ?? [], expected)).toBeLessThan(1e-5);
}

/** `[T, H, W, C]` by `[O, C, k, k]`, as the definition of a convolution says. */
function convolve(
  x: ArrayLike<number>,
  [T = 0, H = 0, W = 0, C = 0]: Shape,
  weight: (o: number, c: number, dy: number, dx: number) => number,
  bias: ArrayLike<number>,
  O: number,
  k: number,
): number[] {
  const result: number[] = [];
  const half = k >> 1;
  for (let t = 0; t < T; t++)
    for (let y = 0; y < H; y++)
      for (let z = 0; z < W; z++)
        for (let o = 0; o < O; o++) {
          let sum = at(bias, o);
          for (let c = 0; c < C; c++)
            for (let dy = 0; dy < k; dy++)
              for (let dx = 0; dx < k; dx++) {
                const [row, column] = [y + dy - half, z + dx - half];
                if (row < 0 || row >= H || column < 0 || column >= W) continue;
                sum += at(x, ((t * H + row) * W + column) * C + c) * weight(o, c, dy, dx);
              }
          result.push(sum);
        }
  return result;
}

describe('on the CPU', () => {
  test.each([
    [4, 3, 3],
    [3, 4, 3],
    [5, 8, 1],
    [4, 8, 3],
  ])('conv2d of %i to %i channels with a kernel of %i is the convolution', async (C, O, k) => {
    const shape = [2, 3, 4, C];
    const { data, outputs } = await compute([shape, [O, C, k, k], [O]], (g, values) => {
      const [x, weight, bias] = values;
      return x && weight && bias ? [ops.conv2d(g, x, weight, bias)] : [];
    });
    const [x = [], w, bias = []] = data;
    const weight = (o: number, c: number, dy: number, dx: number): number =>
      at(w, ((o * C + c) * k + dy) * k + dx);
    expectClose(outputs[0], convolve(x, shape, weight, bias, O, k));
  });

  test('causalConv3d is the convolution over the cache and the frames, and passes the last frames on', async () => {
    const [T, H, W, C, O] = [3, 2, 3, 2, 3];
    const area = H * W * C;
    const { data, outputs } = await compute(
      [
        [T, H, W, C],
        [2, H, W, C],
      ],
      (g, values) => {
        const [x, cache] = values;
        if (!x || !cache) return [];
        const next = ops.causalConv3d(g, x, cache, 'conv', O, { t: 3, h: 1, w: 1 });
        return [next.value, next.cache];
      },
    );
    const [x = [], cache = [], weight, bias] = data;
    const frames = [...cache, ...x];
    const expected: number[] = [];
    for (let t = 0; t < T; t++)
      for (let i = 0; i < H * W; i++)
        for (let o = 0; o < O; o++) {
          let sum = at(bias, o);
          for (let tap = 0; tap < 3; tap++)
            for (let c = 0; c < C; c++)
              sum += at(frames, (t + tap) * area + i * C + c) * at(weight, (o * 3 + tap) * C + c);
          expected.push(sum);
        }
    expectClose(outputs[0], expected);
    expect([...(outputs[1] ?? [])]).toEqual(frames.slice(-2 * area));
  });

  test('upsampleNearest2x, repeatChannels and channelsToFrames put every element in its place', async () => {
    const [T, H, W, C] = [2, 2, 3, 8];
    const { data, outputs } = await compute([[T, H, W, C]], (g, [x]) =>
      x
        ? [
            ops.upsampleNearest2x(g, x),
            ops.repeatChannels(g, x, 3),
            ops.channelsToFrames(g, x, 2, 2),
          ]
        : [],
    );
    const x = (t: number, y: number, z: number, c: number): number =>
      at(data[0], ((t * H + y) * W + z) * C + c);
    const [up, repeated, moved] = outputs;
    for (let t = 0; t < T; t++)
      for (let y = 0; y < H; y++)
        for (let z = 0; z < W; z++)
          for (let c = 0; c < C; c++) {
            const value = x(t, y, z, c);
            const [ft, b, d] = [c >> 2, (c >> 1) & 1, c & 1];
            for (const [dy, dx] of [
              [0, 0],
              [1, 1],
            ] as const) {
              const pixel = (t * 2 * H + 2 * y + dy) * 2 * W + 2 * z + dx;
              expect(at(up, pixel * C + c)).toBe(value);
            }
            expect(at(repeated, (((t * H + y) * W + z) * C + c) * 3 + 1)).toBe(value);
            expect(at(moved, ((2 * t + ft) * 2 * H + 2 * y + b) * 2 * W + 2 * z + d)).toBe(value);
          }
  });

  test('rotaryEmbedding turns adjacent pairs, by token and for each head', async () => {
    const [S, heads, pairs] = [3, 2, 2];
    const { data, outputs } = await compute(
      [
        [1, S, heads * pairs * 2],
        [S, pairs],
        [S, pairs],
      ],
      (g, [x, cos, sin]) => (x && cos && sin ? [ops.rotaryEmbedding(g, x, cos, sin, heads)] : []),
    );
    const [x, cos, sin] = data;
    const expected: number[] = [];
    for (let s = 0; s < S; s++)
      for (let h = 0; h < heads; h++)
        for (let p = 0; p < pairs; p++) {
          const i = ((s * heads + h) * pairs + p) * 2;
          const [c, n] = [at(cos, s * pairs + p), at(sin, s * pairs + p)];
          expected.push(at(x, i) * c - at(x, i + 1) * n, at(x, i) * n + at(x, i + 1) * c);
        }
    expectClose(outputs[0], expected);
  });

  test.each([undefined, 1, 0.3])(
    'attention with a bias and scale %s is softmax attention',
    async (scale) => {
      const [S, T, heads, d] = [3, 4, 2, 2];
      const width = heads * d;
      const { data, outputs } = await compute(
        [
          [1, S, width],
          [1, T, width],
          [1, T, width],
          [1, heads, S, T],
        ],
        (g, [q, k, v, bias]) =>
          q && k && v && bias
            ? [
                ops.attention(g, q, k, v, heads, {
                  bias,
                  ...(scale === undefined ? {} : { scale }),
                }),
              ]
            : [],
      );
      const [q, k, v, bias] = data;
      const expected = Array.from({ length: S * width }, () => 0);
      for (let h = 0; h < heads; h++)
        for (let s = 0; s < S; s++) {
          const scores = Array.from({ length: T }, (_, t) => {
            let dot = 0;
            for (let i = 0; i < d; i++)
              dot += at(q, s * width + h * d + i) * at(k, t * width + h * d + i);
            return Math.exp(dot * (scale ?? 1 / Math.sqrt(d)) + at(bias, (h * S + s) * T + t));
          });
          const sum = scores.reduce((a, b) => a + b, 0);
          for (let i = 0; i < d; i++)
            expected[s * width + h * d + i] = scores.reduce(
              (total, score, t) => total + (score / sum) * at(v, t * width + h * d + i),
              0,
            );
        }
      expectClose(outputs[0], expected);
    },
  );

  test('rmsNorm and layerNorm are what their names say', async () => {
    const [rows, width, epsilon] = [3, 5, 0.1];
    const { data, outputs } = await compute([[rows, width], [width], [width]], (g, values) => {
      const [x, scale, bias] = values;
      if (!x || !scale || !bias) return [];
      return [
        ops.rmsNorm(g, x, scale, epsilon),
        ops.layerNorm(g, x, epsilon, { scale, bias }),
        ops.layerNorm(g, x, epsilon),
      ];
    });
    const [x, scale, bias] = data;
    const expected: [number[], number[], number[]] = [[], [], []];
    for (let r = 0; r < rows; r++) {
      const row = Array.from({ length: width }, (_, i) => at(x, r * width + i));
      const mean = row.reduce((a, b) => a + b, 0) / width;
      const square = row.reduce((a, b) => a + b * b, 0) / width;
      for (const [i, value] of row.entries()) {
        const normal = (value - mean) / Math.sqrt(square - mean * mean + epsilon);
        expected[0].push((value / Math.sqrt(square + epsilon)) * at(scale, i));
        expected[1].push(normal * at(scale, i) + at(bias, i));
        expected[2].push(normal);
      }
    }
    for (const [i, values] of expected.entries()) expectClose(outputs[i], values);
  });

  test('gather takes the rows that it is told', async () => {
    const { data, outputs } = await compute([[4, 3]], (g, [table]) =>
      table ? [ops.gather(g, table, g.constant(Int32Array.of(3, 0, 3)))] : [],
    );
    const rows = [3, 0, 3].flatMap((row) => [0, 1, 2].map((i) => at(data[0], row * 3 + i)));
    expect([...(outputs[0] ?? [])]).toEqual(rows);
  });

  test('an input that is passed through and a value that is two outputs come out', async () => {
    const { data, outputs } = await compute([[2, 2]], (g, [x]) => {
      if (!x) return [];
      const sum = ops.add(g, x, x);
      return [x, sum, sum, ops.mul(g, sum, sum)];
    });
    const [x = new Float32Array()] = data;
    expect(outputs).toEqual([x, x.map((v) => 2 * v), x.map((v) => 2 * v), x.map((v) => 4 * v * v)]);
  });
});
