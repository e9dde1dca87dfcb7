/**
 * @file A LoRA: a safetensors file with, for some modules of a model, two matrices or a difference. Everything in it must
 * find its place in the model, in the right shape, before anything is fetched.
 */
import { invalidArgument, modelFormat } from '../errors.ts';
import { sameShape } from '../graph/types.ts';
import { CachedReads } from './cached-reads.ts';
import { isSupportedDtype } from './convert.ts';
import { type LoraKey, type LoraRole, parseLoraKey, unsupportedLoraKey } from './lora-keys.ts';
import {
  type AdapterConfig,
  adapterConfigIn,
  adapterScaling,
  parseAdapterConfig,
} from './lora-scaling.ts';
import {
  type Addition,
  Difference,
  type Factor,
  type FileTensorRef,
  isMatrix,
  LowRank,
} from './merge.ts';
import { readSafetensorsHeader } from './safetensors.ts';
import { fileOfLora, refuseOther } from './lora-place.ts';
import { type FilesAt, MissingFile, readJson, type ReadOptions } from './source.ts';
import { rowsOf } from './storage-format.ts';

/** A larger scale, on either side of 0, is refused: no LoRA was trained to be used at it. */
export const MAX_LORA_SCALE = 100;

export interface LoraAt extends FilesAt {
  /** What the LoRA is multiplied by: 1 as it was trained, 0 for none of it. */
  readonly scale: number;
}

export interface Lora extends LoraAt {
  /** By the model's tensor. */
  readonly additions: ReadonlyMap<string, readonly Addition[]>;
  /** What of it has no place in the model and was left out, for the user; absent: nothing. */
  readonly notice?: string;
}

/** A model that LoRAs are made for. */
export interface LoraTarget {
  /** Shapes of its tensors. */
  readonly shapes: ReadonlyMap<string, readonly number[]>;
  /** Its name of a module, by the one that a trainer gives it. */
  moduleName(module: string, isFlat: boolean): string | undefined;
  /** What `diff_m` of a module is added to. */
  modulationOf(module: string): string | undefined;
  /**
   * The kind of model that has a module which this one lacks, where the rest of a LoRA fits without it; in the plural.
   * @param shape Of the module's first matrix, or of its difference.
   */
  otherKind?(module: string, shape: readonly number[] | undefined): string | undefined;
  /** What models of this family are called that are so wide. */
  sizeOf?(width: number): string | undefined;
}

type Tensors = Partial<Record<LoraRole, FileTensorRef>>;

/** @throws ZoetropeError `invalid-argument`. */
export function checkLoraScale(scale: unknown): void {
  if (typeof scale === 'number' && Math.abs(scale) <= MAX_LORA_SCALE) return;
  const shown = typeof scale === 'string' ? `“${scale}”` : String(scale);
  throw invalidArgument(
    'loras',
    `a scale of ${shown} is not a number from −${MAX_LORA_SCALE} to ${MAX_LORA_SCALE}.`,
    'Give a number: 1 is as trained, a negative one takes away what the LoRA adds.',
  );
}

/**
 * Reads the header; no tensor data.
 * @param at A file, or the folder of one that has either of its usual names.
 * @throws ZoetropeError `model-format`, naming the tensor that has no place; `invalid-argument` for a scale.
 */
export async function openLora(
  at: LoraAt,
  target: LoraTarget,
  options?: ReadOptions,
): Promise<Lora> {
  const { source, scale } = at;
  checkLoraScale(scale);
  const path = await fileOfLora(at, options);
  const where = `${path} of ${source.name}`;
  const { tensors, metadata } = await readSafetensorsHeader(source, path, options);
  refuseOther(where, tensors.keys());
  const reads = new CachedReads(source, path);
  const modules = new Map<string, LoraModule>();
  for (const [name, tensor] of tensors) {
    const key = parseLoraKey(name);
    if (!key) throw refuse(where, `tensor ${name} is ${unsupportedLoraKey(name)}`);
    if (!isSupportedDtype(tensor.dtype)) {
      throw refuse(where, `tensor ${name} has element type ${tensor.dtype}`);
    }
    const module = modules.get(key.module) ?? { key, tensors: {} };
    module.tensors[key.role] = { name, tensor, reads };
    modules.set(key.module, module);
  }
  if (modules.size === 0) throw refuse(where, 'there is nothing in it');
  refuseOtherWidth(where, modules, target);
  const isPeft = [...tensors.keys()].some((name) => name.startsWith('base_model.model.'));
  const config = isPeft
    ? await readAdapterConfig(at, path, modules, options)
    : adapterConfigIn(metadata, where);

  const additions = new Map<string, Addition[]>();
  const users = new Map<string, string>();
  /** Modules by the kind of model that has them. */
  const leftOut = new Map<string, string[]>();
  for (const [module, { key, tensors: own }] of modules) {
    const { down, difference } = own;
    const kind = target.otherKind?.(module, (down ?? difference)?.tensor.shape);
    if (kind !== undefined) {
      leftOut.set(kind, [...(leftOut.get(kind) ?? []), module]);
      continue;
    }
    for (const [name, addition] of placeModule(where, key, own, target, config, scale)) {
      const user = users.get(name) ?? module;
      if (user !== module) throw refuse(where, `${module} and ${user} are both for ${name}`);
      users.set(name, module);
      additions.set(name, [...(additions.get(name) ?? []), addition]);
    }
  }
  const parts = [...leftOut].map(([kind, [first = '', ...others]]) => {
    const more = others.length === 0 ? '' : ` and ${others.length} more like it`;
    return `${first}${more}, which only ${kind} have`;
  });
  if (additions.size === 0) {
    throw refuse(where, `there is nothing in the model for it: it changes ${parts.join('; ')}`);
  }
  const notice = `The LoRA ${where} was made for another kind of model. What fits is merged; left out: ${parts.join('; ')}.`;
  return { source, path, scale, additions, ...(parts.length === 0 ? {} : { notice }) };
}

interface LoraModule {
  readonly key: LoraKey;
  readonly tensors: Tensors;
}

/** @throws ZoetropeError `model-format` if all square weights that the LoRA changes have another width, the same in all. */
function refuseOtherWidth(
  where: string,
  modules: ReadonlyMap<string, LoraModule>,
  target: LoraTarget,
): void {
  let found: { width: number; expected: number } | undefined;
  for (const [module, { key, tensors }] of modules) {
    const [rows, columns] =
      target.shapes.get(`${target.moduleName(module, key.isFlat)}.weight`) ?? [];
    const width = tensors.down?.tensor.shape[1];
    if (rows === undefined || rows !== columns || width === undefined) continue;
    if (width === rows || tensors.up?.tensor.shape[0] !== width) return;
    if (found && found.width !== width) return;
    found = { width, expected: rows };
  }
  if (!found) return;
  const named = (width: number): string => {
    const size = target.sizeOf?.(width);
    return size === undefined ? `${width} wide` : `${width} wide (${size})`;
  };
  throw modelFormat(
    `${where}: it was made for a model that is ${named(found.width)}; this one is ${named(found.expected)}.`,
    'Choose the LoRA for this size of model, or load the model that it was made for.',
  );
}

function refuse(where: string, problem: string): Error {
  return modelFormat(
    `${where}: ${problem}.`,
    'Choose a plain LoRA for the transformer of this model, in F32, F16 or BF16.',
  );
}

/** peft keeps it beside the file, and opens no LoRA without it: the alphas are nowhere else. */
async function readAdapterConfig(
  { source }: FilesAt,
  path: string,
  modules: ReadonlyMap<string, LoraModule>,
  options?: ReadOptions,
): Promise<AdapterConfig> {
  const file = path.replace(/[^/]*$/, 'adapter_config.json');
  let json: unknown;
  try {
    json = await readJson(source, file, options);
  } catch (error) {
    if (!(error instanceof MissingFile)) throw error;
    const rank = [...modules.values()].find(({ tensors }) => tensors.down)?.tensors.down?.tensor
      .shape[0];
    throw modelFormat(
      `${path} of ${source.name}: it is a LoRA of peft, and there is no file adapter_config.json beside it, which has its alpha.`,
      `Get it from where the LoRA comes from. If there is none, write {"lora_alpha": ${rank ?? 1}} into such a file: this merges the LoRA as it is, which is right for most.`,
    );
  }
  return parseAdapterConfig(json, `${file} of ${source.name}`);
}

/** What a module's tensors add to which tensors of the model. */
function placeModule(
  where: string,
  { module, isFlat }: LoraKey,
  own: Tensors,
  target: LoraTarget,
  config: AdapterConfig | undefined,
  scale: number,
): [name: string, addition: Addition][] {
  const placed: [string, Addition][] = [];
  const first = Object.values(own)[0]?.name ?? module;
  const name = target.moduleName(module, isFlat);
  /** The first of these names that the model has. */
  const find = (ref: FileTensorRef, ...names: readonly (string | undefined)[]): string => {
    const found = names.find((each) => each !== undefined && target.shapes.has(each));
    if (found === undefined) throw refuse(where, `tensor ${ref.name} matches nothing in the model`);
    return found;
  };
  const { down, up, upBias, alpha, difference, biasDifference, modulationDifference } = own;

  let factor: Factor = 1;
  if (down && up) {
    const weight = find(down, `${name}.weight`);
    const { rows, columns } = rowsOf(target.shapes.get(weight) ?? []);
    const rank = down.tensor.shape[0] ?? 0;
    if (rank < 1 || !isMatrix(down.tensor, rank, columns) || !isMatrix(up.tensor, rows, rank)) {
      throw refuse(
        where,
        `tensors ${down.name} [${down.tensor.shape.join(', ')}] and ${up.name} [${up.tensor.shape.join(', ')}] do not make a [${rows}, ${columns}]`,
      );
    }
    if (alpha) factor = { alpha, rank };
    else if (config) factor = adapterScaling(config, module, rank);
    placed.push([weight, new LowRank({ down, up }, rows, factor, scale)]);
  } else if (down ?? up ?? alpha ?? upBias) {
    throw refuse(where, `tensor ${first} is without the other matrix`);
  }
  if (alpha && alpha.tensor.shape.some((dim) => dim !== 1)) {
    throw refuse(where, `tensor ${alpha.name} is not one number`);
  }
  const differences = [
    [upBias, factor, [`${name}.bias`]],
    [difference, 1, [`${name}.weight`, name]],
    [biasDifference, 1, [`${name}.bias`]],
    [modulationDifference, 1, [target.modulationOf(module)]],
  ] as const;
  for (const [ref, times, names] of differences) {
    if (!ref) continue;
    const tensor = find(ref, ...names);
    const shape = target.shapes.get(tensor) ?? [];
    if (!sameShape(ref.tensor.shape, shape)) {
      throw refuse(
        where,
        `tensor ${ref.name} has shape [${ref.tensor.shape.join(', ')}], not [${shape.join(', ')}]`,
      );
    }
    placed.push([tensor, new Difference(ref, rowsOf(shape).rows, times, scale)]);
  }
  return placed;
}
