/**
 * @file Dense layers over weights that stay quantized on the device, by onnxruntime's contrib operator `MatMulNBits`.
 * Codes become numbers inside the kernel, so device memory and bandwidth are those of the stored format.
 */
import { type QuantFormat, quantizedShapes } from '../weights/quantize-format.ts';
import type { GraphBuilder } from './builder.ts';
import { add, cast, first } from './ops-elementwise.ts';
import { reshape } from './ops-shape.ts';
import { type DType, elementCount, type QuantizedPart, sameShape, type Value } from './types.ts';

/** A weight `[N, K]` and how it is stored. */
export interface QuantizedMatrix extends QuantFormat {
  readonly N: number;
  readonly K: number;
}

/** Multiplies float activations. The default (4) may round activations to int8, which costs more than the weights do. */
const ACCURACY_FLOAT32 = 1n;

/**
 * `x · weightᵀ + bias` over the last axis. Activations are cast to the scales' element type and the result back to
 * float32, so a float16 model keeps a float32 residual stream.
 * @param x `[…, K]`.
 * @param codes uint8 `[N, ⌈K / blockSize⌉, blockSize · bits / 8]`.
 * @param scales float32 or float16 `[N, ⌈K / blockSize⌉]`.
 * @param bias `[N]` float32, or absent.
 * @returns float32 `[…, N]`.
 */
export function quantizedLinear(
  g: GraphBuilder,
  x: Value,
  matrix: QuantizedMatrix,
  codes: Value,
  scales: Value,
  bias?: Value,
): Value {
  const { N, K, bits, blockSize } = matrix;
  const shapes = quantizedShapes(matrix, N, K);
  if (x.shape.at(-1) !== K) g.fail('MatMulNBits', `K = ${K} is not the last axis of x`, [x]);
  if (codes.dtype !== 'uint8' || !sameShape(codes.shape, shapes.codes)) {
    g.fail('MatMulNBits', `codes must be uint8[${shapes.codes.join(', ')}]`, [x, codes]);
  }
  const isFloat = scales.dtype === 'float32' || scales.dtype === 'float16';
  if (!isFloat || !sameShape(scales.shape, shapes.scales)) {
    g.fail('MatMulNBits', `scales must be floats [${shapes.scales.join(', ')}]`, [x, scales]);
  }
  if (bias && (bias.dtype !== 'float32' || !sameShape(bias.shape, [N]))) {
    g.fail('MatMulNBits', `bias must be float32[${N}]`, [x, bias]);
  }
  const rows = elementCount(x.shape) / K;
  const flat = cast(g, reshape(g, x, [rows, K]), scales.dtype);
  const product = first(
    g.node('MatMulNBits', [flat, codes, scales], [{ dtype: scales.dtype, shape: [rows, N] }], {
      domain: 'com.microsoft',
      attributes: {
        K: BigInt(K),
        N: BigInt(N),
        bits: BigInt(bits),
        block_size: BigInt(blockSize),
        accuracy_level: ACCURACY_FLOAT32,
      },
      flops: 2 * rows * N * K,
    }),
  );
  const wide = cast(g, product, 'float32');
  const biased = bias ? add(g, wide, bias) : wide;
  return reshape(g, biased, [...x.shape.slice(0, -1), N]);
}

/**
 * Declares the two weights that `${name}.weight` `[out, in]` becomes — `${name}.weight.codes` and
 * `${name}.weight.scales` — and, unless told otherwise, `${name}.bias` `[out]`, and applies them.
 * @param scaleDtype Also the element type of the product: float32, or float16 on devices that have it.
 */
export function quantizedLinearLayer(
  g: GraphBuilder,
  x: Value,
  name: string,
  outFeatures: number,
  format: QuantFormat,
  options: { scaleDtype?: 'float32' | 'float16'; bias?: boolean } = {},
): Value {
  const K = x.shape.at(-1) ?? g.fail('MatMulNBits', 'x has no axes', [x]);
  const shapes = quantizedShapes(format, outFeatures, K);
  const weight = (part: QuantizedPart['part'], dtype: DType): Value =>
    g.weight(`${name}.weight.${part}`, dtype, shapes[part], {
      name: `${name}.weight`,
      shape: [outFeatures, K],
      packing: { format, part },
    });
  const codes = weight('codes', 'uint8');
  const scales = weight('scales', options.scaleDtype ?? 'float32');
  const bias =
    (options.bias ?? true) ? g.weight(`${name}.bias`, 'float32', [outFeatures]) : undefined;
  return quantizedLinear(g, x, { ...format, N: outFeatures, K }, codes, scales, bias);
}
