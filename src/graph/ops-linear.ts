/** @file Dense layers, in the layout checkpoints have: weight `[N, K]`, so nothing is transposed on import. */
import type { QuantFormat } from '../weights/quantize-format.ts';
import type { GraphBuilder } from './builder.ts';
import { add, cast, first } from './ops-elementwise.ts';
import { quantizedLinearLayer } from './ops-quantized.ts';
import { reshape } from './ops-shape.ts';
import { elementCount, type DType, type Value } from './types.ts';

/** How a model's linear layers compute. The residual stream around them is float32 either way. */
export interface Precision {
  /** Element type of the operands. */
  readonly linear: 'float32' | 'float16';
  /** Weights of the layers that a family lets be quantized; absent: as `linear`. */
  readonly weights?: QuantFormat;
}

/**
 * `x · weightᵀ + bias` over the last axis. Operands are cast to the weight's element type and the result back to
 * float32, so a float16 model keeps a float32 residual stream.
 * @param weight `[N, K]`; @param bias `[N]` float32, or absent.
 */
export function linear(g: GraphBuilder, x: Value, weight: Value, bias?: Value): Value {
  const [n, k] = weight.shape;
  const depth = x.shape.at(-1);
  if (weight.shape.length !== 2 || n === undefined || k === undefined || depth !== k) {
    g.fail('Gemm', 'weight must be [N, K] with K the last axis of x', [x, weight]);
  }
  if (bias && (bias.shape.length !== 1 || bias.shape[0] !== n)) {
    g.fail('Gemm', 'bias must be [N]', [x, weight, bias]);
  }
  const rows = elementCount(x.shape) / k;
  const flat = cast(g, reshape(g, x, [rows, k]), weight.dtype);
  const fused = bias !== undefined && weight.dtype === 'float32';
  const operands = fused ? [flat, weight, bias] : [flat, weight];
  const product = first(
    g.node('Gemm', operands, [{ dtype: weight.dtype, shape: [rows, n] }], {
      attributes: { transB: 1n },
      flops: 2 * rows * n * k,
    }),
  );
  const wide = cast(g, product, 'float32');
  const biased = bias === undefined || fused ? wide : add(g, wide, bias);
  return reshape(g, biased, [...x.shape.slice(0, -1), n]);
}

/**
 * Declares `${name}.weight` `[out, in]` and, with `bias`, `${name}.bias` `[out]`, and applies them.
 * @param options.sourceOnes Trailing 1-axes that the checkpoint's weight has besides (1×1 convolutions have 2 or 3).
 */
export function linearLayer(
  g: GraphBuilder,
  x: Value,
  name: string,
  outFeatures: number,
  options: { dtype?: DType; bias?: boolean; sourceOnes?: number } = {},
): Value {
  const inFeatures = x.shape.at(-1) ?? g.fail('Gemm', 'x has no axes', [x]);
  const shape = [outFeatures, inFeatures];
  const ones = Array.from({ length: options.sourceOnes ?? 0 }, () => 1);
  const weight = g.weight(`${name}.weight`, options.dtype ?? 'float32', shape, {
    shape: [...shape, ...ones],
  });
  const bias =
    (options.bias ?? true) ? g.weight(`${name}.bias`, 'float32', [outFeatures]) : undefined;
  return linear(g, x, weight, bias);
}

/**
 * A layer of the kind that a model has most of: its weights are quantized if `precision` says so.
 * @param options.dtype In the place of `precision.linear`.
 */
export function blockLinear(
  g: GraphBuilder,
  x: Value,
  name: string,
  outFeatures: number,
  precision: Precision,
  options: { bias?: boolean; dtype?: 'float32' } = {},
): Value {
  const { dtype = precision.linear, bias = true } = options;
  const { weights } = precision;
  return weights
    ? quantizedLinearLayer(g, x, name, outFeatures, weights, { scaleDtype: dtype, bias })
    : linearLayer(g, x, name, outFeatures, { dtype, bias });
}
