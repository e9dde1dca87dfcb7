/** @file The tensors that a set of stages needs, held in RAM in the format that they are to be kept in. */
import { modelFormat } from '../errors.ts';
import type { WeightInput } from '../graph/types.ts';
import type { ComponentWeights } from './component-weights.ts';
import type { ComponentFiles } from './component.ts';
import { bindWeight, toFloat32, type WeightData } from './convert.ts';
import { FileChecks } from './file-checks.ts';
import { refetching } from './file-mismatch.ts';
import { inFileOrder, ReadAhead } from './read-ahead.ts';
import type { ReadOptions } from './source.ts';
import {
  convertPiece,
  type PartName,
  partsOf,
  piecesOf,
  storedDtype,
  type WeightNeed,
} from './storage-format.ts';

interface HostTensor {
  readonly dtype: string;
  readonly parts: Readonly<Partial<Record<PartName, Uint8Array<ArrayBuffer>>>>;
}

export class HostWeights implements ComponentWeights {
  readonly ramBytes: number;
  readonly #tensors: ReadonlyMap<string, HostTensor>;

  private constructor(tensors: ReadonlyMap<string, HostTensor>) {
    this.#tensors = tensors;
    this.ramBytes = [...tensors.values()]
      .flatMap(({ parts }) => Object.values(parts))
      .reduce((sum, { byteLength }) => sum + byteLength, 0);
  }

  static async load(
    files: ComponentFiles,
    needs: readonly WeightNeed[],
    options?: ReadOptions,
  ): Promise<HostWeights> {
    const tensors = new Map<string, HostTensor>();
    for (const need of needs) {
      tensors.set(need.name, { dtype: storedDtype(need), parts: room(need) });
    }
    const sorted = needs.toSorted(inFileOrder);
    for (const file of new Set(sorted.map(({ tensor }) => tensor.file))) {
      const own = sorted.filter(({ tensor }) => tensor.file === file);
      let reported = 0;
      const onBytes: ReadOptions['onBytes'] = (bytes, isKept) => {
        reported += bytes;
        options?.onBytes?.(bytes, isKept);
      };
      await refetching(
        () => fill(tensors, files, own, { ...options, onBytes }),
        async () => {
          options?.onBytes?.(-reported, true);
          reported = 0;
        },
      );
    }
    return new HostWeights(tensors);
  }

  get(prefix: string, weight: WeightInput): WeightData {
    const { dtype, parts } = this.#tensor(prefix + weight.source);
    const name = typeof weight.packing === 'string' ? 'data' : weight.packing.part;
    const bytes = parts[name];
    if (!bytes) throw new Error(`${weight.source} was not loaded as ${name}`);
    return bindWeight(weight, dtype, bytes, prefix + weight.source);
  }

  row(name: string, index: number, columns: number): Float32Array<ArrayBuffer> {
    const { dtype, parts } = this.#tensor(name);
    const size = dtype === 'F32' ? 4 : 2;
    const from = index * columns * size;
    const bytes = parts.data?.subarray(from, from + columns * size);
    if (!bytes) throw new Error(`${name} has no rows`);
    return toFloat32(name, dtype, bytes);
  }

  #tensor(name: string): HostTensor {
    const tensor = this.#tensors.get(name);
    if (!tensor) throw modelFormat(`Tensor ${name} was not loaded.`, 'Load the model again.');
    return tensor;
  }
}

/** Reads what is needed of one file. @throws FileMismatch if it was read whole and is not the file that is listed. */
async function fill(
  tensors: ReadonlyMap<string, HostTensor>,
  files: ComponentFiles,
  needs: readonly WeightNeed[],
  options: ReadOptions | undefined,
): Promise<void> {
  const pieces = needs.flatMap(piecesOf);
  const checks = new FileChecks(files, options);
  const reads = new ReadAhead(files.source, pieces, { ...options, checks });
  const filled = new Map<Uint8Array<ArrayBuffer>, number>();
  try {
    for (const [index, piece] of pieces.entries()) {
      const { name } = piece.need;
      const converted = await convertPiece(piece, await reads.take(index), options);
      for (const [i, part] of partsOf(piece).entries()) {
        const target = tensors.get(name)?.parts[part.name];
        const bytes = converted[i];
        if (!target || !bytes) throw new Error(`a piece of ${name} without ${part.name}`);
        const at = filled.get(target) ?? 0;
        target.set(bytes, at);
        filled.set(target, at + bytes.byteLength);
      }
    }
    await checks.finish();
  } finally {
    checks.close();
  }
}

/** Arrays for all pieces of a tensor. */
function room(need: WeightNeed): HostTensor['parts'] {
  const sizes = new Map<PartName, number>();
  for (const piece of piecesOf(need)) {
    for (const { name, byteLength } of partsOf(piece)) {
      sizes.set(name, (sizes.get(name) ?? 0) + byteLength);
    }
  }
  return Object.fromEntries([...sizes].map(([name, bytes]) => [name, new Uint8Array(bytes)]));
}
