/** @file Finds the family of a checkpoint by the class that its `model_index.json` names. */
import { modelFormat } from '../errors.ts';
import { type FileSource, readJson, type ReadOptions } from '../weights/source.ts';
import type { ModelCheckpoint } from './family.ts';
import { openWanCheckpoint } from './wan/checkpoint.ts';

type Opener = (
  source: FileSource,
  modelIndex: Readonly<Record<string, unknown>>,
  options?: ReadOptions,
) => Promise<ModelCheckpoint>;

const FAMILIES: Readonly<Record<string, Opener>> = { WanPipeline: openWanCheckpoint };

/**
 * Reads a checkpoint's JSON files and safetensors headers, and checks that every tensor that will be needed is there.
 * @throws ZoetropeError `model-format`, `network`.
 */
export async function openCheckpoint(
  source: FileSource,
  options?: ReadOptions,
): Promise<ModelCheckpoint> {
  const index = await readJson(source, 'model_index.json', options);
  const className = (index as { _class_name?: unknown } | null)?._class_name;
  const isKnown = typeof className === 'string' && Object.hasOwn(FAMILIES, className);
  const open = isKnown ? FAMILIES[className] : undefined;
  if (!open) {
    throw modelFormat(
      `${source.name} is a ${typeof className === 'string' ? className : 'checkpoint of no named class'}.`,
      `These can be run: ${Object.keys(FAMILIES).join(', ')}.`,
    );
  }
  return open(source, index as Record<string, unknown>, options);
}
