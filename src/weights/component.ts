/** @file One component of a checkpoint (`transformer/`, `vae/`, …): its tensors across one or several safetensors files. */
import { modelFormat } from '../errors.ts';
import type { WeightInput } from '../graph/types.ts';
import { sameShape } from '../graph/types.ts';
import { isSupportedDtype } from './convert.ts';
import { readSafetensorsHeader, type TensorEntry } from './safetensors.ts';
import { type FileSource, missingFile, readJson, type ReadOptions } from './source.ts';

export interface LocatedTensor extends TensorEntry {
  readonly file: string;
}

/** File stems under which diffusers and transformers save weights. */
const STEMS = ['diffusion_pytorch_model', 'model'] as const;
export type WeightsStem = (typeof STEMS)[number];

export class ComponentFiles {
  readonly source: FileSource;
  /** Folder of the component in the source, '' for the source's root; or the path of its only file. */
  readonly folder: string;
  readonly tensors: ReadonlyMap<string, LocatedTensor>;

  private constructor(
    source: FileSource,
    folder: string,
    tensors: ReadonlyMap<string, LocatedTensor>,
  ) {
    this.source = source;
    this.folder = folder;
    this.tensors = tensors;
  }

  /**
   * Reads the headers of the component's safetensors files, sharded or not; no tensor data.
   * @param options.stem The files' name, where the component's library is known; else both are tried.
   */
  static async open(
    source: FileSource,
    folder: string,
    options?: ReadOptions & { stem?: WeightsStem },
  ): Promise<ComponentFiles> {
    const prefix = folder === '' ? '' : `${folder}/`;
    const tensors = new Map<string, LocatedTensor>();
    for (const file of await listFiles(source, prefix, options)) {
      for (const [name, entry] of await readSafetensorsHeader(source, file, options)) {
        tensors.set(name, { ...entry, file });
      }
    }
    return new ComponentFiles(source, folder, tensors);
  }

  /** Reads the header of a safetensors file that is a component by itself. */
  static async openFile(
    source: FileSource,
    file: string,
    options?: ReadOptions,
  ): Promise<ComponentFiles> {
    const header = await readSafetensorsHeader(source, file, options);
    const located = [...header].map(([name, entry]) => [name, { ...entry, file }] as const);
    return new ComponentFiles(source, file, new Map(located));
  }

  /** Total elements of all tensors. */
  get parameters(): number {
    return [...this.tensors.values()].reduce((sum, { shape }) => sum + product(shape), 0);
  }

  /**
   * Finds the tensor for a weight and checks its shape and element type.
   * @throws ZoetropeError `model-format`, naming the tensor.
   */
  locate(prefix: string, weight: WeightInput): LocatedTensor {
    return this.#find(`${prefix}${weight.source}`, weight.sourceShape);
  }

  /** A tensor by its full name; with `shape`, checked against it. */
  find(name: string, shape: readonly number[]): LocatedTensor {
    return this.#find(name, shape);
  }

  #find(name: string, shape: readonly number[]): LocatedTensor {
    const where = `${this.folder || 'checkpoint'} of ${this.source.name}`;
    const tensor = this.tensors.get(name);
    if (!tensor) {
      throw modelFormat(
        `${where} has no tensor ${name}.`,
        'The weights do not belong to the config.json beside them, or are of another model.',
      );
    }
    if (!sameShape(tensor.shape, shape)) {
      throw modelFormat(
        `Tensor ${name} in ${where} has shape [${tensor.shape.join(', ')}], expected [${shape.join(', ')}].`,
        'The weights do not belong to the config.json beside them.',
      );
    }
    if (!isSupportedDtype(tensor.dtype)) {
      throw modelFormat(
        `Tensor ${name} in ${where} has element type ${tensor.dtype}.`,
        'Checkpoints must hold F32, F16 or BF16 tensors; convert it or choose another.',
      );
    }
    return tensor;
  }

  /** Bytes of one tensor, in a buffer of its own. */
  read(tensor: LocatedTensor, options?: ReadOptions): Promise<Uint8Array<ArrayBuffer>> {
    return this.source.read(tensor.file, tensor.start, tensor.end, options);
  }
}

async function listFiles(
  source: FileSource,
  prefix: string,
  options: (ReadOptions & { stem?: WeightsStem }) | undefined,
): Promise<readonly string[]> {
  const stems = options?.stem ? [options.stem] : STEMS;
  for (const stem of stems) {
    const single = `${prefix}${stem}.safetensors`;
    if (await source.exists(single, options)) return [single];
    const index = `${single}.index.json`;
    if (await source.exists(index, options)) {
      return shardNames(await readJson(source, index, options), index).map((name) => prefix + name);
    }
  }
  throw missingFile(source, `${prefix}${stems.join('.safetensors or ')}.safetensors`);
}

function shardNames(index: unknown, path: string): readonly string[] {
  const map = (index as { weight_map?: unknown } | null)?.weight_map;
  const names = typeof map === 'object' && map !== null ? [...new Set(Object.values(map))] : [];
  if (names.length === 0 || !names.every((name) => typeof name === 'string')) {
    throw modelFormat(`${path} has no weight_map.`, 'The index file is damaged.');
  }
  return names;
}

function product(shape: readonly number[]): number {
  return shape.reduce((n, dim) => n * dim, 1);
}
