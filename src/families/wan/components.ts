/** @file Opens a component of a Wan checkpoint, wherever it lies and in whichever layout: its configuration and headers. */
import { modelFormat } from '../../errors.ts';
import { ComponentFiles, type NameMap } from '../../weights/component.ts';
import { type FilesAt, readJson, type ReadOptions } from '../../weights/source.ts';
import { transformerConfigOf, umt5ConfigOf, vaeConfigOf } from './config-original.ts';
import {
  parseTransformerConfig,
  parseUmt5Config,
  parseVaeConfig,
  type Umt5Config,
  type WanTransformerConfig,
  type WanVaeConfig,
} from './config.ts';
import { umt5Names } from './names-umt5.ts';
import { vaeNames } from './names-vae.ts';
import { transformerNames } from './names.ts';

export interface Opened<Config> {
  readonly files: ComponentFiles;
  readonly config: Config;
}

type Json = Readonly<Record<string, unknown>>;

export const isFile = (path: string): boolean => path.endsWith('.safetensors');

export const join = (folder: string, name: string): string =>
  folder === '' ? name : `${folder}/${name}`;

/** @param at A folder with `config.json`, of diffusers or Wan's own; a folder of a whole pipeline; or one file. */
export async function openTransformer(
  at: FilesAt,
  options?: ReadOptions,
): Promise<Opened<WanTransformerConfig>> {
  const place = await insideOf(at, 'transformer', options);
  const stem = 'diffusion_pytorch_model';
  const openFolder = (): Promise<ComponentFiles> =>
    ComponentFiles.open(place.source, place.path, { ...options, stem, names: transformerNames });
  if (isFile(place.path)) {
    const files = await openFile(place, transformerNames, options);
    return { files, config: parseTransformerConfig(transformerConfigOf(files), place.path) };
  }
  const path = join(place.path, 'config.json');
  const json = await readJson(place.source, path, options);
  const isOriginal = (json as { _class_name?: unknown } | null)?._class_name === 'WanModel';
  // What a configuration refuses is told before any header is read, which may be long.
  if (!isOriginal) {
    const config = parseTransformerConfig(json, path);
    return { files: await openFolder(), config };
  }
  refuseOtherTasks(json as Json, path);
  const files = await openFolder();
  return { files, config: parseTransformerConfig(transformerConfigOf(files, json as Json), path) };
}

function refuseOtherTasks(json: Json, path: string): void {
  const task = json['model_type'] ?? 't2v';
  if (task === 't2v') return;
  throw modelFormat(
    `${path}: model_type is ${JSON.stringify(task)}.`,
    'Only text-to-video models (t2v) are supported.',
  );
}

export async function openVae(at: FilesAt, options?: ReadOptions): Promise<Opened<WanVaeConfig>> {
  const place = await insideOf(at, 'vae', options);
  if (isFile(place.path)) {
    const files = await openFile(place, vaeNames, options);
    return { files, config: parseVaeConfig(vaeConfigOf(files), place.path) };
  }
  const path = join(place.path, 'config.json');
  const config = parseVaeConfig(await readJson(place.source, path, options), path);
  const stem = 'diffusion_pytorch_model';
  const names = vaeNames;
  const files = await ComponentFiles.open(place.source, place.path, { ...options, stem, names });
  return { files, config };
}

export async function openTextEncoder(
  at: FilesAt,
  options?: ReadOptions,
): Promise<Opened<Umt5Config>> {
  const place = await insideOf(at, 'text_encoder', options);
  if (isFile(place.path)) {
    const files = await openFile(place, umt5Names, options);
    return { files, config: parseUmt5Config(umt5ConfigOf(files), place.path) };
  }
  const path = join(place.path, 'config.json');
  const config = parseUmt5Config(await readJson(place.source, path, options), path);
  const names = umt5Names;
  const files = await ComponentFiles.open(place.source, place.path, {
    ...options,
    stem: 'model',
    names,
  });
  return { files, config };
}

function openFile(
  { source, path }: FilesAt,
  names: NameMap,
  options: ReadOptions | undefined,
): Promise<ComponentFiles> {
  return ComponentFiles.openFile(source, path, { ...options, names });
}

/** Of a whole pipeline, the folder of the component that is meant. */
async function insideOf(
  at: FilesAt,
  folder: string,
  options: ReadOptions | undefined,
): Promise<FilesAt> {
  if (isFile(at.path) || at.path === folder) return at;
  const isPipeline = await at.source.exists(join(at.path, 'model_index.json'), options);
  return isPipeline ? { source: at.source, path: join(at.path, folder) } : at;
}
