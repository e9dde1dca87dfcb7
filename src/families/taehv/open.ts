/** @file Opens a TAEHV file for a checkpoint: checked against its latents before any weight is read. */
import { modelFormat } from '../../errors.ts';
import { ComponentFiles } from '../../weights/component.ts';
import { HostWeights } from '../../weights/host-weights.ts';
import { type FilesAt, findFile, pathIn, type ReadOptions } from '../../weights/source.ts';
import { StoredWeights } from '../../weights/stored-weights.ts';
import type { FastDecoder, ModelCheckpoint } from '../family.ts';
import { channelsLast } from './decoder.ts';
import { checkFit, type LatentFit, readLayout } from './layout.ts';
import { planTaehv, taehvWeights } from './planned.ts';

/** Where the published repository has what fits, and where a copy of one file may lie; by latent channels. */
const FILES: Readonly<Record<number, readonly string[]>> = {
  16: ['safetensors/taew2_1.safetensors', 'taew2_1.safetensors'],
  48: ['safetensors/taew2_2.safetensors', 'taew2_2.safetensors'],
};

/**
 * The checkpoint with a fast decoder.
 * @param at A TAEHV file, or a folder with one under its published name.
 * @throws ZoetropeError `model-format` if it is no TAEHV decoder or one for other latents; `network`.
 */
export async function withFastDecoder(
  checkpoint: ModelCheckpoint,
  at: FilesAt,
  options?: ReadOptions,
): Promise<ModelCheckpoint> {
  const fit = latentFit(checkpoint);
  const path = await findDecoder(at, fit, options);
  const files = await ComponentFiles.openFile(at.source, path, options);
  const fastDecoder = openTaehv(files, fit);
  return {
    ...checkpoint,
    fastDecoder,
    components: [...checkpoint.components, fastDecoder.summary],
  };
}

function latentFit(checkpoint: ModelCheckpoint): LatentFit {
  const { sizeMultiple, frameMultiple } = checkpoint.constraints;
  const { channels, frames, height } = checkpoint.latentShape({
    width: sizeMultiple,
    height: sizeMultiple,
    numFrames: frameMultiple + 1,
  });
  return {
    channels,
    temporalScale: frameMultiple / (frames - 1),
    spatialScale: sizeMultiple / height,
  };
}

async function findDecoder(
  at: FilesAt,
  { channels }: LatentFit,
  options: ReadOptions | undefined,
): Promise<string> {
  const names = FILES[channels] ?? [];
  const found = await findFile(at, names, options);
  if (found !== undefined) return found;
  throw modelFormat(
    names.length === 0
      ? `No fast decoder is published for latents of ${channels} channels.`
      : `${at.source.name} has no ${names.map((name) => pathIn(at.path, name)).join(' and no ')}.`,
    'Give the address of a TAEHV file that ends in .safetensors.',
  );
}

function openTaehv(files: ComponentFiles, fit: LatentFit): FastDecoder {
  const layout = readLayout(files);
  checkFit(layout, files.folder, fit);
  const weights = taehvWeights(layout, files);
  return {
    ...planTaehv(layout, weights, `${files.source.name}/${files.folder}`),
    fetch: ({ store, ...options } = {}) =>
      store
        ? StoredWeights.open(store, files, weights, options)
        : HostWeights.load(files, weights, options),
    decoderInput: channelsLast,
  };
}
