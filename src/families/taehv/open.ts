/** @file Opens a TAEHV file for a checkpoint: checked against its latents before any weight is read. */
import { decodeActivationBytes } from '../../decode/cost.ts';
import type { DecoderPlan } from '../../decode/decoder-plan.ts';
import { modelFormat } from '../../errors.ts';
import type { PhaseNeeds } from '../../runtime/planner.ts';
import { locateWeights } from '../../runtime/stage.ts';
import { ComponentFiles } from '../../weights/component.ts';
import { HostWeights } from '../../weights/host-weights.ts';
import { type FilesAt, findFile, pathIn, type ReadOptions } from '../../weights/source.ts';
import { storedBytes } from '../../weights/storage-format.ts';
import { StoredWeights } from '../../weights/stored-weights.ts';
import type { FastDecoder, LatentShape, ModelCheckpoint } from '../family.ts';
import { channelsLast, type Fineness, taehvPlan } from './decoder.ts';
import { checkFit, type LatentFit, readLayout } from './layout.ts';

/** Where the published repository has what fits, and where a copy of one file may lie; by latent channels. */
const FILES: Readonly<Record<number, readonly string[]>> = {
  16: ['safetensors/taew2_1.safetensors', 'taew2_1.safetensors'],
  48: ['safetensors/taew2_2.safetensors', 'taew2_2.safetensors'],
};

/**
 * One picture a latent frame, of half, a quarter or an eighth of the clip's size (with patches of 2, the whole clip's
 * down to a quarter): enough to see what is becoming of it, and movement tells more than pixels.
 */
const PREVIEWS: readonly Fineness[] = [
  { time: false, doublings: 2 },
  { time: false, doublings: 1 },
  { time: false, doublings: 0 },
];

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
  const planOf = (shape: LatentShape, tile?: number, fineness?: Fineness): DecoderPlan => {
    const plan = taehvPlan(layout, shape, tile, fineness);
    return shape.frames > 1 ? plan : { ...plan, rest: [] };
  };
  const smallest = taehvPlan(layout, { height: 1, width: 1 });
  // Both lists have the same weights.
  const weights = locateWeights(files, smallest.rest);
  const sum = (of: (need: (typeof weights)[number]) => number): number =>
    weights.reduce((total, need) => total + of(need), 0);
  return {
    summary: {
      name: 'fast_decoder',
      source: `${files.source.name}/${files.folder}`,
      bytes: sum(({ tensor }) => tensor.end - tensor.start),
      parameters: sum(({ tensor }) => tensor.shape.reduce((a, b) => a * b, 1)),
    },
    storedBytes: sum(storedBytes),
    fetch: ({ store, ...options } = {}) =>
      store
        ? StoredWeights.open(store, files, weights, options)
        : HostWeights.load(files, weights, options),
    needs: (latents, tile) => needsOf(planOf(latents, tile)),
    previews: (latents) =>
      PREVIEWS.map((fineness) => {
        const plan = planOf(latents, undefined, fineness);
        return { plan, needs: needsOf(plan) };
      }),
    decoderPlan: (latents, tile) => taehvPlan(layout, latents, tile),
    decoderInput: channelsLast,
  };
}

/** @param plan Without `rest` if the clip is a single frame. */
function needsOf(plan: DecoderPlan): PhaseNeeds {
  const stages = plan.rest.length > 0 ? plan.rest : plan.first;
  return { stages, variants: plan.first, activationBytes: decodeActivationBytes(plan) };
}
