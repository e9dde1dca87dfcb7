/** @file Opens a component of a Wan checkpoint, wherever it lies and in whichever layout: its configuration and headers. */
import { describe, isRecord } from '../../config/fields.ts';
import { modelFormat } from '../../errors.ts';
import { ComponentFiles, type NameMap, type WeightsStem } from '../../weights/component.ts';
import {
  type FilesAt,
  MissingFile,
  pathIn,
  readJson,
  type ReadOptions,
} from '../../weights/source.ts';
import { isWeightsFile } from '../../weights/what-is-it.ts';
import { missingIndex } from '../../weights/what-is-there.ts';
import { placeFor, whatItHolds } from '../../weights/what-it-holds.ts';
import type { ComponentName } from '../family.ts';
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

/** @param at A folder with `config.json`, of diffusers or Wan's own; a folder of a whole pipeline; or one file. */
export async function openTransformer(
  at: FilesAt,
  options?: ReadOptions,
): Promise<Opened<WanTransformerConfig>> {
  const place = await insideOf(at, 'transformer', options);
  const stem = 'diffusion_pytorch_model';
  const openFolder = (): Promise<ComponentFiles> =>
    ComponentFiles.open(place.source, place.path, { ...options, stem, names: transformerNames });
  if (isWeightsFile(place.path)) {
    const files = await openFile(place, 'transformer', transformerNames, options);
    return { files, config: parseTransformerConfig(transformerConfigOf(files), place.path) };
  }
  const path = pathIn(place.path, 'config.json');
  const json = await readConfig(place, path, options);
  // A configuration is refused before any header is read, which may be long.
  if (!isRecord(json) || json['_class_name'] !== 'WanModel') {
    const config = parseTransformerConfig(json, path);
    return { files: await openFolder(), config };
  }
  refuseOtherTasks(json, path);
  const files = await openFolder();
  const config = parseTransformerConfig(transformerConfigOf(files, json, path), path);
  return { files, config };
}

/** @throws ZoetropeError `model-format`: where there is none, saying what the folder has instead. */
async function readConfig(
  { source, path: folder }: FilesAt,
  path: string,
  options: ReadOptions | undefined,
): Promise<unknown> {
  try {
    return await readJson(source, path, options);
  } catch (error) {
    if (!(error instanceof MissingFile)) throw error;
    throw await missingIndex(source, folder, 'config.json', options);
  }
}

function refuseOtherTasks(json: Json, path: string): void {
  const task = json['model_type'] ?? 't2v';
  if (task === 't2v') return;
  throw modelFormat(
    `${path}: model_type is ${describe(task)}.`,
    'Only text-to-video models (t2v) are supported.',
  );
}

export function openVae(at: FilesAt, options?: ReadOptions): Promise<Opened<WanVaeConfig>> {
  return openAny(at, options, {
    folder: 'vae',
    stem: 'diffusion_pytorch_model',
    names: vaeNames,
    configOf: vaeConfigOf,
    parse: parseVaeConfig,
  });
}

export function openTextEncoder(at: FilesAt, options?: ReadOptions): Promise<Opened<Umt5Config>> {
  return openAny(at, options, {
    folder: 'text_encoder',
    stem: 'model',
    names: umt5Names,
    configOf: umt5ConfigOf,
    parse: parseUmt5Config,
  });
}

/** What a component is called, and how its configuration is read where there is a file for it and where there is none. */
interface Kind<Config> {
  readonly folder: ComponentName;
  readonly stem: WeightsStem;
  readonly names: NameMap;
  readonly configOf: (files: ComponentFiles) => unknown;
  readonly parse: (json: unknown, file: string) => Config;
}

async function openAny<Config>(
  at: FilesAt,
  options: ReadOptions | undefined,
  { folder, stem, names, configOf, parse }: Kind<Config>,
): Promise<Opened<Config>> {
  const place = await insideOf(at, folder, options);
  if (isWeightsFile(place.path)) {
    const files = await openFile(place, folder, names, options);
    return { files, config: parse(configOf(files), place.path) };
  }
  const path = pathIn(place.path, 'config.json');
  const config = parse(await readConfig(place, path, options), path);
  const files = await ComponentFiles.open(place.source, place.path, { ...options, stem, names });
  return { files, config };
}

/** @throws ZoetropeError `model-format` for a file that is known to be something else. */
async function openFile(
  { source, path }: FilesAt,
  component: ComponentName,
  names: NameMap,
  options: ReadOptions | undefined,
): Promise<ComponentFiles> {
  const files = await ComponentFiles.openFile(source, path, { ...options, names });
  const held = whatItHolds(files.tensors.keys());
  if (held && (held.kind !== component || !held.isWan)) {
    throw modelFormat(
      `${path} of ${source.name} is ${held.what}, not ${COMPONENT_WORDS[component]}.`,
      placeFor(held),
    );
  }
  return files;
}

const COMPONENT_WORDS: Readonly<Record<ComponentName, string>> = {
  text_encoder: 'the text encoder of a Wan text-to-video model',
  transformer: 'the transformer of a Wan text-to-video model',
  vae: 'the decoder (VAE) of a Wan text-to-video model',
};

/** Of a whole pipeline, the folder of the component that is meant. */
async function insideOf(
  at: FilesAt,
  folder: string,
  options: ReadOptions | undefined,
): Promise<FilesAt> {
  if (isWeightsFile(at.path) || at.path === folder) return at;
  const isPipeline = await at.source.exists(pathIn(at.path, 'model_index.json'), options);
  return isPipeline ? { source: at.source, path: pathIn(at.path, folder) } : at;
}
