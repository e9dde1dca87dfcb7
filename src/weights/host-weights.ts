/**
 * @file The tensors that a set of stages needs, held in RAM in the checkpoint's own element type. Located and checked
 * before any is read; read in few large ranges, since hubs answer slowly to many small ones.
 */
import { modelFormat } from '../errors.ts';
import type { WeightInput } from '../graph/types.ts';
import type { ComponentWeights } from './component-weights.ts';
import type { ComponentFiles, LocatedTensor } from './component.ts';
import { convertWeight, toFloat32, type WeightData } from './convert.ts';
import type { ReadOptions } from './source.ts';

/** A range read is at most this long, so that a download's working memory is bounded. */
const MAX_READ_BYTES = 32 * 1024 * 1024;
/** Unneeded bytes between two tensors that are cheaper to read than to ask twice. */
const MAX_GAP_BYTES = 256 * 1024;

export interface WeightNeed {
  /** Full name in the checkpoint. */
  readonly name: string;
  readonly tensor: LocatedTensor;
}

export class HostWeights implements ComponentWeights {
  readonly #tensors = new Map<string, { dtype: string; bytes: Uint8Array<ArrayBuffer> }>();

  /** Bytes of the tensors that `needs` names. */
  static bytes(needs: readonly WeightNeed[]): number {
    return needs.reduce((sum, { tensor }) => sum + tensor.end - tensor.start, 0);
  }

  static async load(
    files: ComponentFiles,
    needs: readonly WeightNeed[],
    options?: ReadOptions,
  ): Promise<HostWeights> {
    const weights = new HostWeights();
    for (const run of groupReads(needs)) {
      const head = run[0];
      const last = run.at(-1);
      if (!head || !last) continue;
      const { file, start } = head.tensor;
      const bytes = await files.source.read(file, start, last.tensor.end, options);
      for (const { name, tensor } of run) {
        // A copy each: aligned for typed arrays, and the run's buffer can go.
        const own = bytes.slice(tensor.start - start, tensor.end - start);
        weights.#tensors.set(name, { dtype: tensor.dtype, bytes: own });
      }
    }
    return weights;
  }

  get ramBytes(): number {
    return [...this.#tensors.values()].reduce((sum, { bytes }) => sum + bytes.byteLength, 0);
  }

  /** The tensor `prefix + weight.name` as the graph input wants it. */
  get(prefix: string, weight: WeightInput): WeightData {
    const { dtype, bytes } = this.#tensor(prefix + weight.name);
    return convertWeight(weight, dtype, bytes);
  }

  /** Row `index` of a `[rows, columns]` table, as float32. */
  row(name: string, index: number, columns: number): Float32Array<ArrayBuffer> {
    const { dtype, bytes } = this.#tensor(name);
    const size = dtype === 'F32' ? 4 : 2;
    const from = index * columns * size;
    return toFloat32(name, dtype, bytes.subarray(from, from + columns * size));
  }

  #tensor(name: string): { dtype: string; bytes: Uint8Array<ArrayBuffer> } {
    const tensor = this.#tensors.get(name);
    if (!tensor) throw modelFormat(`Tensor ${name} was not loaded.`, 'Load the model again.');
    return tensor;
  }
}

function groupReads(needs: readonly WeightNeed[]): WeightNeed[][] {
  const ordered = [...needs].sort(
    (a, b) => a.tensor.file.localeCompare(b.tensor.file) || a.tensor.start - b.tensor.start,
  );
  const runs: WeightNeed[][] = [];
  for (const need of ordered) {
    const run = runs.at(-1);
    const head = run?.[0]?.tensor;
    const previous = run?.at(-1)?.tensor;
    const joins =
      head !== undefined &&
      previous !== undefined &&
      previous.file === need.tensor.file &&
      need.tensor.start - previous.end <= MAX_GAP_BYTES &&
      need.tensor.end - head.start <= MAX_READ_BYTES;
    if (run && joins) run.push(need);
    else runs.push([need]);
  }
  return runs;
}
