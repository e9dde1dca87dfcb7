import { afterAll, describe, expect, test } from 'vitest';
import { ZoetropeError } from '../errors.ts';
import { testBackend } from '../testing/backend.ts';
import { relativeError } from '../testing/fixtures.ts';
import type { QuantFormat } from '../weights/quantize-format.ts';
import { allocateQuantized, dequantize, quantizeRows } from '../weights/quantize.ts';
import { GraphBuilder } from './builder.ts';
import { quantizedLinear, quantizedLinearLayer } from './ops-quantized.ts';

const backend = await testBackend();
afterAll(() => backend.dispose());

/** Numbers with no pattern that an error could hide in. */
function numbers(count: number, phase: number): Float32Array<ArrayBuffer> {
  return Float32Array.from({ length: count }, (_, i) => Math.sin(i * 12.9898 + phase * 78.233));
}

/** What the operator makes of random operands, against the product with the dequantized weight in float64. */
async function errorOf(
  format: QuantFormat,
  [M, K, N]: readonly [number, number, number],
  scaleDtype: 'float32' | 'float16' = 'float32',
): Promise<number> {
  const weight = allocateQuantized(format, N, K, scaleDtype);
  quantizeRows(format, numbers(N * K, 1), K, weight);
  const x = numbers(M * K, 2);
  const bias = numbers(N, 3);

  const g = new GraphBuilder('quantized');
  const options = { scaleDtype };
  g.output(
    'y',
    quantizedLinearLayer(g, g.input('x', 'float32', [1, M, K]), 'w', N, format, options),
  );
  const graph = g.build();
  const data = {
    x,
    'w.weight.codes': weight.codes,
    'w.weight.scales': weight.scales,
    'w.bias': bias,
  };
  const inputs = Object.fromEntries(
    [...graph.inputs, ...graph.weights].map(({ name, dtype, shape }) => {
      const tensor = backend.allocate(dtype, shape, 'weights');
      backend.upload(tensor, data[name as keyof typeof data]);
      return [name, tensor];
    }),
  );
  const y = backend.allocate('float32', [1, M, N], 'activations');
  await backend.run(graph, inputs, { y });
  const actual = await backend.download(y);
  backend.free(y);
  for (const tensor of Object.values(inputs)) backend.free(tensor);

  const expected = new Float32Array(M * N);
  const back = dequantize(format, weight, K);
  for (let m = 0; m < M; m++)
    for (let n = 0; n < N; n++) {
      let sum = bias[n] ?? 0;
      for (let k = 0; k < K; k++) sum += (x[m * K + k] ?? 0) * (back[n * K + k] ?? 0);
      expected[m * N + n] = sum;
    }
  return relativeError(actual, expected);
}

/** Widths that fill no tile, some tiles, and whole tiles; depths with a partial block and without. */
const WIDTHS = [1, 50, 192];
const DEPTHS = [48, 192];

describe.each([8, 4] as const)('MatMulNBits with %i bits', (bits) => {
  test.each([1, 3, 4, 40, 80])('%i rows: the product with the dequantized weight', async (M) => {
    for (const K of DEPTHS) {
      for (const N of WIDTHS) {
        expect(await errorOf({ bits, blockSize: 32 }, [M, K, N]), `${K} to ${N}`).toBeLessThan(
          1e-5,
        );
      }
    }
  });

  test('other block sizes', async () => {
    for (const blockSize of [16, 64, 128] as const) {
      const error = await errorOf({ bits, blockSize }, [5, 192, 50]);
      expect(error, `blocks of ${blockSize}`).toBeLessThan(1e-5);
    }
  });

  test('float16 activations and scales, where the device has them', async (context) => {
    if (!backend.report.hasShaderF16) context.skip();
    expect(await errorOf({ bits, blockSize: 32 }, [80, 192, 50], 'float16')).toBeLessThan(5e-3);
  });
});

test('operands that do not fit are refused while the graph is built', () => {
  const g = new GraphBuilder('refused');
  const x = g.input('x', 'float32', [1, 3, 48]);
  const codes = g.input('codes', 'uint8', [8, 2, 16]);
  const scales = g.input('scales', 'float32', [8, 2]);
  const matrix = { bits: 4, blockSize: 32, N: 8, K: 48 } as const;
  expect(quantizedLinear(g, x, matrix, codes, scales).shape).toEqual([1, 3, 8]);
  const refused = [
    (): unknown => quantizedLinear(g, x, { ...matrix, K: 32 }, codes, scales),
    (): unknown => quantizedLinear(g, x, { ...matrix, bits: 8 }, codes, scales),
    (): unknown => quantizedLinear(g, x, { ...matrix, N: 7 }, codes, scales),
    (): unknown => quantizedLinear(g, x, matrix, scales, scales),
    (): unknown => quantizedLinear(g, x, matrix, codes, codes),
    (): unknown => quantizedLinear(g, x, matrix, codes, scales, g.input('b', 'float32', [7])),
  ];
  for (const build of refused) expect(build).toThrow(ZoetropeError);
});
