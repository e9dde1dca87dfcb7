/** @file Finds the family of a checkpoint by the class that its `model_index.json` names. */
import { isRecord } from '../config/fields.ts';
import { modelFormat } from '../errors.ts';
import { type FileSource, MissingFile, readJson, type ReadOptions } from '../weights/source.ts';
import { missingIndex } from '../weights/what-is-there.ts';
import type { CheckpointParts, ModelCheckpoint } from './family.ts';
import { otherPipeline } from './other-pipelines.ts';
import { openWanCheckpoint } from './wan/checkpoint.ts';

type Opener = (
  source: FileSource,
  modelIndex: Readonly<Record<string, unknown>>,
  options?: ReadOptions & CheckpointParts,
) => Promise<ModelCheckpoint>;

const FAMILIES: Readonly<Record<string, Opener>> = {
  WanPipeline: openWanCheckpoint,
  // FastVideo's name for its distillations of Wan: the same components, to be sampled otherwise.
  WanDMDPipeline: openWanCheckpoint,
};

/**
 * Reads a checkpoint's JSON files and safetensors headers, and checks that every tensor that will be needed is there, and
 * none that nobody knows.
 * @throws ZoetropeError `model-format`, `network`.
 */
export async function openCheckpoint(
  source: FileSource,
  options?: ReadOptions & CheckpointParts,
): Promise<ModelCheckpoint> {
  await refuseOriginalLayout(source, options);
  const index = await readIndex(source, options);
  if (!isRecord(index)) {
    throw modelFormat(
      `model_index.json of ${source.name} is not an object.`,
      'The file is damaged: copy or download it again.',
    );
  }
  const className = index['_class_name'];
  const isKnown = typeof className === 'string' && Object.hasOwn(FAMILIES, className);
  const open = isKnown ? FAMILIES[className] : undefined;
  if (!open) {
    throw otherPipeline(source.name, className);
  }
  return open(source, index, options);
}

async function readIndex(source: FileSource, options?: ReadOptions): Promise<unknown> {
  try {
    return await readJson(source, 'model_index.json', options);
  } catch (error) {
    if (!(error instanceof MissingFile)) throw error;
    throw await missingIndex(source, '', 'model_index.json', options);
  }
}

/** Wan's own repositories have no `model_index.json`, and pickles where a browser cannot safely read them. */
async function refuseOriginalLayout(source: FileSource, options?: ReadOptions): Promise<void> {
  if (await source.exists('model_index.json', options)) return;
  if (!(await source.exists('config.json', options))) return;
  const config = await readJson(source, 'config.json', options);
  const className = isRecord(config) ? config['_class_name'] : undefined;
  if (className !== 'WanModel' && className !== 'WanTransformer3DModel') return;
  throw modelFormat(
    className === 'WanModel'
      ? `${source.name} is in Wan's original layout: its text encoder and decoder are .pth pickles, which are not read.`
      : `${source.name} is a transformer without text encoder and decoder.`,
    'Load the repository whose name ends in -Diffusers, and give this one as `transformer`.',
  );
}
