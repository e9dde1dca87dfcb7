/** @file A graph as onnxruntime's CPU kernels can run it, and what compiling and running it takes from the heap. */
import type { NodeProto, TensorProto } from 'onnx-buf';
import { MOST_BLOCKS_TO_PLAN, splitQueries } from './cpu-attention.ts';
import { cpuRunBytes } from './cpu-heap.ts';
import { digest } from './digest.ts';
import type { CpuGraph, Value } from './types.ts';

/** What a compiled graph keeps: so much whatever it is, and so many times its bytes; docs/decisions/0011. */
const SESSION_BYTES = 82_000;
const SESSION_FACTOR = 8;

export interface GraphParts {
  readonly nodes: readonly NodeProto[];
  readonly constants: readonly TensorProto[];
  /** All that nodes read and make. */
  readonly values: readonly Value[];
  /** Inputs and weights. */
  readonly given: readonly Value[];
  readonly outputs: readonly Value[];
  /** The ONNX bytes of the unchanged graph. */
  readonly key: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly encode: (
    nodes: readonly NodeProto[],
    constants: readonly TensorProto[],
  ) => Uint8Array<ArrayBuffer>;
}

interface Split {
  readonly nodes: readonly NodeProto[];
  readonly constants: readonly TensorProto[];
  readonly values: ReadonlyMap<string, Value>;
  readonly isSame: boolean;
}

/** The graph's large attentions in blocks of queries. @param mostBlocks Of one attention: larger ones, if need be. */
function splitAttention(parts: GraphParts, scoreBytes?: number, mostBlocks?: number): Split {
  const values = new Map(parts.values.map((value) => [value.name, value]));
  const constants = [...parts.constants];
  const nodes = parts.nodes.flatMap((node) => {
    if (node.opType !== 'MultiHeadAttention') return [node];
    const split = splitQueries(node, (name) => values.get(name), scoreBytes, mostBlocks);
    if (!split) return [node];
    constants.push(...split.constants);
    for (const value of split.values) values.set(value.name, value);
    return split.nodes;
  });
  return { nodes, constants, values, isSame: nodes.length === parts.nodes.length };
}

/** Each part is worked out when it is first asked for: a plan wants the sizes alone. */
class LazyCpuGraph implements CpuGraph {
  readonly #parts: GraphParts;
  readonly #scoreBytes: number | undefined;
  #encoded: { key: string; bytes: Uint8Array<ArrayBuffer> } | undefined;
  #sizes: { runBytes: number; sessionBytes: number } | undefined;

  constructor(parts: GraphParts, scoreBytes: number | undefined) {
    this.#parts = parts;
    this.#scoreBytes = scoreBytes;
  }

  get key(): string {
    return this.#encode().key;
  }

  get bytes(): Uint8Array<ArrayBuffer> {
    return this.#encode().bytes;
  }

  get runBytes(): number {
    return this.#measure().runBytes;
  }

  get sessionBytes(): number {
    return this.#measure().sessionBytes;
  }

  #encode(): { key: string; bytes: Uint8Array<ArrayBuffer> } {
    if (!this.#encoded) {
      const { nodes, constants, isSame } = splitAttention(this.#parts, this.#scoreBytes);
      const bytes = isSame ? this.#parts.bytes : this.#parts.encode(nodes, constants);
      this.#encoded = { key: isSame ? this.#parts.key : digest(bytes), bytes };
    }
    return this.#encoded;
  }

  #measure(): { runBytes: number; sessionBytes: number } {
    if (!this.#sizes) {
      const { given, outputs } = this.#parts;
      const split = splitAttention(this.#parts, this.#scoreBytes, MOST_BLOCKS_TO_PLAN);
      const { nodes, constants, values, isSame } = split;
      const bytes = isSame ? this.#parts.bytes : this.#parts.encode(nodes, constants);
      const names = new Set(outputs.map(({ name }) => name));
      this.#sizes = {
        runBytes: cpuRunBytes(nodes, given, values, names, this.#scoreBytes),
        sessionBytes: SESSION_BYTES + SESSION_FACTOR * bytes.length,
      };
    }
    return this.#sizes;
  }
}

/** What a finished graph says of the CPU, for one size of blocks at a time. */
export class CpuForm {
  readonly #parts: GraphParts;
  #last: { scoreBytes: number | undefined; graph: CpuGraph } | undefined;

  constructor(parts: GraphParts) {
    this.#parts = parts;
  }

  forCpu(scoreBytes?: number): CpuGraph {
    if (!this.#last || this.#last.scoreBytes !== scoreBytes) {
      this.#last = { scoreBytes, graph: new LazyCpuGraph(this.#parts, scoreBytes) };
    }
    return this.#last.graph;
  }
}
