/**
 * @file A typed builder of ONNX graphs with static shapes. Every operator (see `ops-*.ts`) checks its operands while
 * the graph is being built, so a mismatch names the op, the operands and their shapes, and nothing reaches
 * onnxruntime that it could refuse. Bytes are deterministic: they are the session cache's key.
 */
import { create, toBinary } from '@bufbuild/protobuf';
import {
  AttributeProto_AttributeType as AttributeType,
  type AttributeProto,
  AttributeProtoSchema,
  GraphProtoSchema,
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  OperatorSetIdProtoSchema,
  type TensorProto,
  TensorProto_DataType as DataType,
  TensorProtoSchema,
  TensorShapeProto_DimensionSchema,
  TensorShapeProtoSchema,
  TypeProto_TensorSchema,
  TypeProtoSchema,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from 'onnx-buf';
import { ZoetropeError } from '../errors.ts';
import { CpuForm } from './cpu-graph.ts';
import { digest } from './digest.ts';
import { scratchBuffers } from './scratch.ts';
import {
  bufferBytes,
  byteLength,
  describe,
  type DType,
  elementCount,
  type Graph,
  sameShape,
  type Shape,
  type Value,
  type WeightInput,
  type WeightPacking,
} from './types.ts';

/** ONNX operator set the graphs are written in: 20 brought `Gelu`. */
const OPSET = 21;
const IR_VERSION = 10n;

const ONNX_TYPE: Record<DType, DataType> = {
  float32: DataType.FLOAT,
  float16: DataType.FLOAT16,
  int64: DataType.INT64,
  int32: DataType.INT32,
  uint8: DataType.UINT8,
  bool: DataType.BOOL,
};

export type Attribute = number | bigint | string | readonly bigint[];

/** Data of an inline constant: only small, shape-like or table-free values belong here, never weights. */
export type ConstantData = Float32Array | Int32Array | BigInt64Array;

export interface NodeOptions {
  readonly domain?: 'com.microsoft';
  /** Integers as `bigint`, floats as `number`: ONNX tells them apart. */
  readonly attributes?: Readonly<Record<string, Attribute>>;
  /** Counted in `Graph.flops`. */
  readonly flops?: number;
  /** Sizes, in bytes, of the buffers that the kernel takes for itself; counted in `Graph.scratch`. */
  readonly kernelBuffers?: readonly number[];
}

export class GraphBuilder {
  readonly #name: string;
  readonly #nodes: NodeProto[] = [];
  readonly #made = new Map<string, Value>();
  readonly #constants = new Map<string, { value: Value; tensor: TensorProto }>();
  readonly #inputs: Value[] = [];
  readonly #weights: WeightInput[] = [];
  readonly #outputs: { name: string; value: Value }[] = [];
  readonly #names = new Set<string>();
  #counter = 0;
  #flops = 0;
  readonly #kernelBuffers: (readonly number[])[] = [];

  /** @param name Shown in messages and traces; part of the bytes, so equal graphs need equal names. */
  constructor(name: string) {
    this.#name = name;
  }

  /** Declares an activation. */
  input(name: string, dtype: DType, shape: Shape): Value {
    const value = this.#declare(name, dtype, shape);
    this.#inputs.push(value);
    return value;
  }

  /**
   * Declares a weight: a graph input that a checkpoint tensor fills.
   * @param source What the checkpoint has, checked when it is bound; default: a tensor of the same name and shape.
   */
  weight(
    name: string,
    dtype: DType,
    shape: Shape,
    source: { name?: string; shape?: Shape; packing?: WeightPacking } = {},
  ): Value {
    const existing = this.#weights.find((weight) => weight.name === name);
    const sourceShape = source.shape ?? shape;
    if (existing) {
      const isSame = existing.dtype === dtype && sameShape(existing.shape, shape);
      if (!isSame)
        this.fail('weight', `${name} is declared twice, differently`, [existing, { dtype, shape }]);
      return { name, dtype, shape };
    }
    const packing = source.packing ?? 'none';
    // Codes are packed and padded to whole blocks: their count follows from the format.
    const isWhole = typeof packing === 'string';
    if (isWhole && elementCount(sourceShape) !== elementCount(shape)) {
      this.fail('weight', `${name} has shape [${sourceShape.join(', ')}]`, [{ dtype, shape }]);
    }
    const value = this.#declare(name, dtype, shape);
    this.#weights.push({ ...value, source: source.name ?? name, sourceShape, packing });
    return value;
  }

  /** An inline constant; equal constants are stored once. */
  constant(data: ConstantData, shape: Shape = [data.length]): Value {
    const dtype: DType =
      data instanceof Float32Array ? 'float32' : data instanceof Int32Array ? 'int32' : 'int64';
    if (elementCount(shape) !== data.length) {
      this.fail('constant', `${data.length} elements do not fill the shape`, [{ dtype, shape }]);
    }
    // `join` writes −0 as 0.
    const digits = Array.from<number | bigint, string>(data, (n) =>
      Object.is(n, -0) ? '-0' : String(n),
    );
    const key = `${dtype}[${shape.join()}]:${digits.join()}`;
    const existing = this.#constants.get(key);
    if (existing) return existing.value;
    const value = this.#declare(`constant_${this.#constants.size}`, dtype, shape);
    const tensor = create(TensorProtoSchema, {
      name: value.name,
      dataType: ONNX_TYPE[dtype],
      dims: shape.map(BigInt),
      rawData: new Uint8Array(data.slice().buffer),
    });
    this.#constants.set(key, { value, tensor });
    return value;
  }

  /** Shape-like operands (`Reshape`, `Slice`, …) are int64 vectors. */
  shapeConstant(dims: readonly number[]): Value {
    // Anything else has no `BigInt`, or none of 64 bits.
    if (!dims.every(Number.isSafeInteger)) {
      this.fail('shape', `[${dims.join(', ')}] has more than whole numbers`, []);
    }
    return this.constant(BigInt64Array.from(dims.map(BigInt)));
  }

  /** Appends a node whose outputs the caller (an op in `ops-*.ts`) has inferred. `null` stands for an absent input. */
  node(
    opType: string,
    inputs: readonly (Value | null)[],
    outputs: readonly { dtype: DType; shape: Shape }[],
    options: NodeOptions = {},
  ): Value[] {
    const values = outputs.map(({ dtype, shape }) =>
      this.#declare(`${opType}_${this.#counter++}`, dtype, shape),
    );
    this.#flops += options.flops ?? 0;
    this.#kernelBuffers.push(options.kernelBuffers ?? []);
    for (const value of values) this.#made.set(value.name, value);
    this.#nodes.push(
      create(NodeProtoSchema, {
        opType,
        name: values[0]?.name ?? opType,
        domain: options.domain ?? '',
        input: inputs.map((value) => value?.name ?? ''),
        output: values.map((value) => value.name),
        attribute: Object.entries(options.attributes ?? {}).map(([name, value]) =>
          attributeProto(name, value),
        ),
      }),
    );
    return values;
  }

  /** Names a value as a graph output. */
  output(name: string, value: Value): void {
    if (this.#names.has(name)) this.fail('output', `the name ${name} is taken`, [value]);
    this.#names.add(name);
    this.#outputs.push({ name, value });
  }

  /** Throws the error of a mismatch, naming graph, op and operands. */
  fail(op: string, problem: string, operands: readonly { dtype: DType; shape: Shape }[]): never {
    throw new ZoetropeError(
      'model-format',
      `${op} in graph "${this.#name}": ${problem} (operands: ${operands.map(describe).join(', ')})`,
      "The checkpoint's config.json asks for shapes that do not fit each other.",
    );
  }

  build(): Graph {
    if (this.#outputs.length === 0) this.fail('build', 'the graph has no outputs', []);
    const outputs = this.#outputs.map(({ name, value }) => ({
      name,
      dtype: value.dtype,
      shape: value.shape,
    }));
    const { nodes, naming, renamed } = this.#nameOutputs();
    const constants = [...this.#constants.values()].map(({ tensor }) => tensor);
    const encode = (all: readonly NodeProto[], initializer: readonly TensorProto[]) =>
      toBinary(
        ModelProtoSchema,
        create(ModelProtoSchema, {
          irVersion: IR_VERSION,
          producerName: 'zoetrope',
          opsetImport: [
            create(OperatorSetIdProtoSchema, { domain: '', version: BigInt(OPSET) }),
            create(OperatorSetIdProtoSchema, { domain: 'com.microsoft', version: 1n }),
          ],
          graph: create(GraphProtoSchema, {
            name: this.#name,
            node: [...all],
            initializer: [...initializer],
            input: [...this.#inputs, ...this.#weights].map(valueInfo),
            output: outputs.map(valueInfo),
          }),
        }),
      );
    const bytes = encode([...nodes, ...naming], constants);
    const given = [...this.#inputs, ...this.#weights];
    const values = [
      ...given,
      ...[...this.#made.values()].map((value) => ({
        ...value,
        name: renamed.get(value.name) ?? value.name,
      })),
      ...outputs,
    ];
    const key = digest(bytes);
    const form = new CpuForm({
      key,
      nodes: [...nodes, ...naming],
      constants,
      given,
      values,
      outputs,
      bytes,
      encode,
    });
    return Object.assign(form, {
      name: this.#name,
      key,
      bytes,
      inputs: [...this.#inputs],
      weights: [...this.#weights],
      outputs,
      flops: this.#flops,
      constantBytes: [...this.#constants.values()].reduce(
        (sum, { value }) => sum + bufferBytes(value.dtype, value.shape),
        0,
      ),
      scratch: scratchBuffers(
        this.#nodes.map(({ opType, input, output }, index) => ({
          opType,
          input,
          output,
          kernelBuffers: this.#kernelBuffers[index] ?? [],
        })),
        this.#made,
        this.#outputs.map(({ value }) => value.name),
      ),
      largestTensorBytes: this.#largestTensorBytes(),
    });
  }

  #largestTensorBytes(): number {
    const values = [...this.#inputs, ...this.#weights, ...this.#made.values()];
    return Math.max(
      ...values.map(({ dtype, shape }) => byteLength(dtype, shape)),
      ...this.#kernelBuffers.flat(),
    );
  }

  /**
   * A value made by a node takes its output name where it is made; anything else (an input passed through, a value
   * that is two outputs) needs an Identity, which costs a copy.
   */
  #nameOutputs(): {
    nodes: NodeProto[];
    naming: NodeProto[];
    renamed: ReadonlyMap<string, string>;
  } {
    const made = new Set(this.#nodes.flatMap((node) => node.output));
    const renamed = new Map<string, string>();
    const naming: NodeProto[] = [];
    for (const { name, value } of this.#outputs) {
      if (made.has(value.name) && !renamed.has(value.name)) {
        renamed.set(value.name, name);
        continue;
      }
      const input = [renamed.get(value.name) ?? value.name];
      naming.push(create(NodeProtoSchema, { opType: 'Identity', name, input, output: [name] }));
    }
    const rename = (name: string): string => renamed.get(name) ?? name;
    const nodes = this.#nodes.map((node) =>
      create(NodeProtoSchema, {
        ...node,
        input: node.input.map(rename),
        output: node.output.map(rename),
      }),
    );
    return { nodes, naming, renamed };
  }

  #declare(name: string, dtype: DType, shape: Shape): Value {
    if (this.#names.has(name))
      this.fail('declare', `the name ${name} is taken`, [{ dtype, shape }]);
    if (shape.some((dim) => !Number.isSafeInteger(dim) || dim < 1)) {
      this.fail(name, 'dimensions must be positive integers', [{ dtype, shape }]);
    }
    this.#names.add(name);
    return { name, dtype, shape };
  }
}

function valueInfo(value: { name: string; dtype: DType; shape: Shape }): ValueInfoProto {
  return create(ValueInfoProtoSchema, {
    name: value.name,
    type: create(TypeProtoSchema, {
      value: {
        case: 'tensorType',
        value: create(TypeProto_TensorSchema, {
          elemType: ONNX_TYPE[value.dtype],
          shape: create(TensorShapeProtoSchema, {
            dim: value.shape.map((dim) =>
              create(TensorShapeProto_DimensionSchema, {
                value: { case: 'dimValue', value: BigInt(dim) },
              }),
            ),
          }),
        }),
      },
    }),
  });
}

function attributeProto(name: string, value: Attribute): AttributeProto {
  if (typeof value === 'number') {
    return create(AttributeProtoSchema, { name, type: AttributeType.FLOAT, f: value });
  }
  if (typeof value === 'bigint') {
    return create(AttributeProtoSchema, { name, type: AttributeType.INT, i: value });
  }
  if (typeof value === 'string') {
    const s = new TextEncoder().encode(value);
    return create(AttributeProtoSchema, { name, type: AttributeType.STRING, s });
  }
  return create(AttributeProtoSchema, { name, type: AttributeType.INTS, ints: [...value] });
}

/** ONNX's number for an element type, as `Cast` wants it. */
export function onnxType(dtype: DType): bigint {
  return BigInt(ONNX_TYPE[dtype]);
}
