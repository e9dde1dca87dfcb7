/** @file One component of a checkpoint (`transformer/`, `vae/`, …): its tensors across one or several safetensors files. */
import { isRecord } from '../config/fields.ts';
import { modelFormat } from '../errors.ts';
import type { WeightInput } from '../graph/types.ts';
import { sameShape } from '../graph/types.ts';
import { isSupportedDtype } from './convert.ts';
import { readSafetensorsHeader, type TensorEntry } from './safetensors.ts';
import { type FileSource, MissingFile, pathIn, readJson, type ReadOptions } from './source.ts';
import { missingWeights } from './what-is-there.ts';

export interface LocatedTensor extends TensorEntry {
  readonly file: string;
}

/** File stems under which diffusers and transformers save weights. */
const STEMS = ['diffusion_pytorch_model', 'model'] as const;
export type WeightsStem = (typeof STEMS)[number];

/** Given all names in a component's files, the name by which the rest of the code knows each. */
export type NameMap = (names: readonly string[]) => (name: string) => string;

export interface OpenOptions extends ReadOptions {
  /** The files' name, where the component's library is known; else both are tried. */
  stem?: WeightsStem;
  /** Absent: names are as they should be. */
  names?: NameMap;
}

/** Files with tensors of one component: a folder of safetensors files, sharded or not, or one file. */
export class ComponentFiles {
  readonly source: FileSource;
  /** Folder of the component in the source, '' for the source's root; or the one file. */
  readonly folder: string;
  readonly tensors: ReadonlyMap<string, LocatedTensor>;
  /** The first bytes of each file, as they were read: its header. */
  readonly headers: ReadonlyMap<string, Uint8Array<ArrayBuffer>>;

  private constructor(source: FileSource, folder: string, { tensors, headers }: Headers) {
    this.source = source;
    this.folder = folder;
    this.tensors = tensors;
    this.headers = headers;
  }

  /** Reads the headers of the safetensors files in a folder; no tensor data. */
  static async open(
    source: FileSource,
    folder: string,
    options?: OpenOptions,
  ): Promise<ComponentFiles> {
    const { files, index } = await listFiles(source, folder, options);
    const headers = await readHeaders(source, files, options).catch(async (error: unknown) => {
      if (index === undefined || !(error instanceof MissingFile)) throw error;
      throw await missingShards(source, index, files, options);
    });
    return new ComponentFiles(source, folder, headers);
  }

  /** Reads the header of one safetensors file that is the whole component. */
  static async openFile(
    source: FileSource,
    path: string,
    options?: OpenOptions,
  ): Promise<ComponentFiles> {
    return new ComponentFiles(source, path, await readHeaders(source, [path], options));
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
        tensor.dtype.startsWith('F8')
          ? 'FP8 files are not supported: choose the fp16 or bf16 file of the same model. The weights option q8 makes it as small.'
          : 'Checkpoints must hold F32, F16 or BF16 tensors; convert it or choose another.',
      );
    }
    return tensor;
  }

  /** Bytes of one tensor, in a buffer of its own. */
  read(tensor: LocatedTensor, options?: ReadOptions): Promise<Uint8Array<ArrayBuffer>> {
    return this.source.read(tensor.file, tensor.start, tensor.end, options);
  }
}

type Headers = Pick<ComponentFiles, 'tensors' | 'headers'>;

/** @throws ZoetropeError `model-format` if two tensors have one name. */
async function readHeaders(
  source: FileSource,
  files: readonly string[],
  options: OpenOptions | undefined,
): Promise<Headers> {
  const entries: [name: string, tensor: LocatedTensor][] = [];
  const headers = new Map<string, Uint8Array<ArrayBuffer>>();
  for (const file of files) {
    const { tensors, bytes } = await readSafetensorsHeader(source, file, options);
    headers.set(file, bytes);
    for (const [name, entry] of tensors) entries.push([name, { ...entry, file }]);
  }
  const rename = options?.names?.(entries.map(([name]) => name));
  const tensors = new Map<string, LocatedTensor>();
  for (const [original, tensor] of entries) {
    const name = rename ? rename(original) : original;
    const twin = tensors.get(name);
    if (twin) {
      throw modelFormat(
        `Tensor ${name} of ${source.name} is there twice: in ${twin.file} and, as ${original}, in ${tensor.file}.`,
        'Files of two models are mixed: choose one.',
      );
    }
    tensors.set(name, tensor);
  }
  return { tensors, headers };
}

/**
 * Of copies in reduced precision, which some repositories have beside the plain files or in their place. float16 keeps
 * more digits of what was trained in float32, and weights that are too large for it are refused when they are read.
 */
const VARIANTS = ['fp16', 'bf16'] as const;

/** What diffusers and transformers call one file, and the index of several. */
function fileNames(stem: WeightsStem): readonly { single: string; index: string }[] {
  const plain = `${stem}.safetensors`;
  return [
    { single: plain, index: `${plain}.index.json` },
    ...VARIANTS.map((variant) => ({
      single: `${stem}.${variant}.safetensors`,
      index: `${plain}.index.${variant}.json`,
    })),
  ];
}

/** The plain files where they are there, else those of a variant. */
async function listFiles(
  source: FileSource,
  folder: string,
  options: OpenOptions | undefined,
): Promise<{ files: readonly string[]; index?: string }> {
  const prefix = pathIn(folder, '');
  const stems = options?.stem ? [options.stem] : STEMS;
  for (const names of stems.flatMap(fileNames)) {
    const single = prefix + names.single;
    if (await source.exists(single, options)) return { files: [single] };
    const index = prefix + names.index;
    if (!(await source.exists(index, options))) continue;
    const shards = shardNames(await readJson(source, index, options), index);
    return { files: shards.map((name) => prefix + name), index };
  }
  throw await missingWeights(source, folder, stems, options);
}

async function missingShards(
  source: FileSource,
  index: string,
  files: readonly string[],
  options: ReadOptions | undefined,
): Promise<MissingFile> {
  const isThere = await Promise.all(files.map((file) => source.exists(file, options)));
  const [first, ...others] = files.filter((_, i) => isThere[i] === false);
  const more = others.length === 0 ? '' : ` and ${others.length} more`;
  return new MissingFile(
    `${source.name} has no file ${first}${more}, which ${index} lists: ${others.length + 1} of its ${files.length} shards ${others.length === 0 ? 'is' : 'are'} missing.`,
    'The model was not downloaded completely: get the missing shards, into the same folder.',
  );
}

/** A file beside the index: no path, and not the folder itself. */
const isShard = (name: unknown): name is string =>
  typeof name === 'string' && /^[^/\\]+$/.test(name) && !/^\.+$/.test(name);

/** Files of one component: published ones have up to 20. Each costs a request before anything else is known. */
const MOST_SHARDS = 1000;

function shardNames(index: unknown, path: string): readonly string[] {
  const map = isRecord(index) ? index['weight_map'] : undefined;
  const names = isRecord(map) ? [...new Set(Object.values(map))] : [];
  if (names.length === 0 || !names.every(isShard)) {
    throw modelFormat(`${path} has no weight_map of files.`, 'The index file is damaged.');
  }
  if (names.length > MOST_SHARDS) {
    throw modelFormat(
      `${path} names ${names.length} files, more than ${MOST_SHARDS}.`,
      'The index file is damaged.',
    );
  }
  return names;
}

function product(shape: readonly number[]): number {
  return shape.reduce((n, dim) => n * dim, 1);
}
