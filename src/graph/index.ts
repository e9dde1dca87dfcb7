/** @file The typed ONNX graph builder: one import for the families. */
export * from './builder.ts';
export * from './ops-attention.ts';
export * from './ops-conv.ts';
export * from './ops-elementwise.ts';
export * from './ops-linear.ts';
export * from './ops-norm.ts';
export * from './ops-quantized.ts';
export * from './ops-reduce.ts';
export * from './ops-shape.ts';
export * from './types.ts';
