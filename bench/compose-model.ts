/**
 * @file Joins stages into the one model that an exporter would have written: all nodes in one graph, and weights inside
 * it as initializers. Only benchmarks want that.
 */
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import {
  GraphProtoSchema,
  type ModelProto,
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  type TensorProto,
  TensorProto_DataType as DataType,
  TensorProtoSchema,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from 'onnx-buf';
import { digest } from '../src/graph/digest.ts';
import type { DType, Graph, Value, WeightInput } from '../src/graph/types.ts';
import type { Stage } from '../src/runtime/stage.ts';
import type { WeightData } from '../src/weights/convert.ts';

export interface JoinedStage {
  readonly stage: Stage;
  /** Where the stage's inputs come from: `stage/output` of an earlier one. What is not named is an input of the whole. */
  readonly from: Readonly<Record<string, string>>;
}

const TYPES: Record<DType, DataType> = {
  float32: DataType.FLOAT,
  float16: DataType.FLOAT16,
  int64: DataType.INT64,
  int32: DataType.INT32,
  uint8: DataType.UINT8,
  bool: DataType.BOOL,
};

class Composer {
  readonly nodes: NodeProto[] = [];
  readonly initializers = new Map<string, TensorProto>();
  readonly inputs = new Map<string, { value: Value; info: ValueInfoProto }>();
  readonly #weights: (prefix: string, weight: WeightInput) => WeightData;
  template: ModelProto | undefined;

  constructor(weights: (prefix: string, weight: WeightInput) => WeightData) {
    this.#weights = weights;
  }

  add({ stage, from }: JoinedStage): void {
    const { name: stageName, graph, prefix } = stage;
    const model = fromBinary(ModelProtoSchema, graph.bytes);
    this.template ??= model;
    const proto = model.graph ?? create(GraphProtoSchema);
    const names = new Map<string, string>([['', '']]);
    for (const value of graph.inputs) {
      const source = from[value.name] ?? value.name;
      names.set(value.name, source);
      const info = proto.input.find(({ name }) => name === value.name);
      if (from[value.name] === undefined && info) this.inputs.set(source, { value, info });
    }
    for (const weight of graph.weights) {
      const name = `${prefix}${weight.name}`;
      names.set(weight.name, name);
      if (!this.initializers.has(name))
        this.initializers.set(name, this.#initializer(name, prefix, weight));
    }
    const rename = (name: string): string => names.get(name) ?? `${stageName}/${name}`;
    for (const tensor of proto.initializer) {
      const name = rename(tensor.name);
      this.initializers.set(name, create(TensorProtoSchema, { ...tensor, name }));
    }
    for (const node of proto.node) {
      this.nodes.push(
        create(NodeProtoSchema, {
          ...node,
          name: `${stageName}/${node.name}`,
          input: node.input.map(rename),
          output: node.output.map(rename),
        }),
      );
    }
  }

  #initializer(name: string, prefix: string, weight: WeightInput): TensorProto {
    const data = this.#weights(prefix, weight);
    return create(TensorProtoSchema, {
      name,
      dataType: TYPES[weight.dtype],
      dims: weight.shape.map(BigInt),
      rawData: new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
    });
  }
}

/** @param result `stage/output` that the whole gives, under the output's own name. */
export function composeModel(
  name: string,
  stages: readonly JoinedStage[],
  result: { stage: Stage; output: string },
  weights: (prefix: string, weight: WeightInput) => WeightData,
): Graph {
  const composer = new Composer(weights);
  for (const stage of stages) composer.add(stage);
  const { graph: last } = result.stage;
  const value = last.outputs.find((each) => each.name === result.output);
  const info = fromBinary(ModelProtoSchema, last.bytes).graph?.output.find(
    (each) => each.name === result.output,
  );
  if (!composer.template || !value || !info) throw new Error(`no output ${result.output}`);
  const outputName = `${result.stage.name}/${result.output}`;
  const inputs = [...composer.inputs];
  const { irVersion, producerName, opsetImport } = composer.template;
  const model = create(ModelProtoSchema, {
    irVersion,
    producerName,
    opsetImport,
    graph: create(GraphProtoSchema, {
      name,
      node: composer.nodes,
      initializer: [...composer.initializers.values()],
      input: inputs.map(([input, each]) =>
        create(ValueInfoProtoSchema, { ...each.info, name: input }),
      ),
      output: [create(ValueInfoProtoSchema, { ...info, name: outputName })],
    }),
  });
  const bytes = toBinary(ModelProtoSchema, model);
  return {
    ...last,
    name,
    key: digest(new TextEncoder().encode(`${name} ${bytes.byteLength}`)),
    bytes,
    inputs: inputs.map(([input, each]) => ({ ...each.value, name: input })),
    weights: [],
    outputs: [{ ...value, name: outputName }],
    flops: stages.reduce((sum, { stage }) => sum + stage.graph.flops, 0),
    scratch: new Map(),
  };
}
