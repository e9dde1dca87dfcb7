/**
 * @file What a TAEHV file holds: a tiny decoder of video latents, in the plain form of `taew2_1` and `taew2_2`. Layers go by
 * their numbers in the file; there is no config, since the tensors' shapes tell everything.
 * Source: https://github.com/madebyollin/taehv (MIT).
 */
import { modelFormat } from '../../errors.ts';
import type { ComponentFiles } from '../../weights/component.ts';

export interface TaehvLayout {
  readonly latentChannels: number;
  /** Channels at each size, coarse to fine, and of what the last convolution reads. */
  readonly widths: readonly [number, number, number, number];
  /** Frames that one frame becomes after each of the first three widths. */
  readonly growth: readonly [number, number, number];
  /** Pixels a side of the patches that the last convolution makes. */
  readonly patchSize: number;
}

/** A width's layers: blocks, then upsampling, then a layer that grows frames, then the way to the next width. */
export interface Level {
  readonly blocks: readonly number[];
  readonly grow: number;
  readonly conv: number;
}

export const FIRST = 1;
export const LAST = 22;
export const LEVELS: readonly [Level, Level, Level] = [
  { blocks: [3, 4, 5], grow: 7, conv: 8 },
  { blocks: [9, 10, 11], grow: 13, conv: 14 },
  { blocks: [15, 16, 17], grow: 19, conv: 20 },
];

const PIXEL_CHANNELS = 3;

/** Decoders of the same shapes as `taew2_1`, for the latents of other models. */
const FOREIGN: ReadonlyMap<string, string> = new Map([
  ['taehv', 'HunyuanVideo'],
  ['taecvx', 'CogVideoX'],
  ['taeos1_3', 'Open-Sora 1.3'],
]);

/** Latents and pixels that a decoder is to fit. */
export interface LatentFit {
  readonly channels: number;
  /** Frames for each latent frame but the first. */
  readonly temporalScale: number;
  /** Pixels a side for each latent. */
  readonly spatialScale: number;
}

/** Pixels a side for each latent. */
export function spatialScale({ patchSize }: TaehvLayout): number {
  return 2 ** LEVELS.length * patchSize;
}

/** Frames for each latent frame but the first. */
export function temporalScale({ growth }: TaehvLayout): number {
  return growth[0] * growth[1] * growth[2];
}

/** @throws ZoetropeError `model-format`, naming the tensor that is missing or of a shape that no decoder has. */
export function readLayout(files: Pick<ComponentFiles, 'tensors' | 'source'>): TaehvLayout {
  const { tensors } = files;
  const where = files.source.name;
  if (tensors.has('decoder.0.weight')) {
    throw modelFormat(
      `${where} holds a decoder of TAEHV's "super" form.`,
      'Only the plain form is supported: choose the file without _super in its name.',
    );
  }
  const shape = (name: string, rank: number): readonly number[] => {
    const found = tensors.get(name)?.shape;
    if (found?.length === rank) return found;
    throw modelFormat(
      found
        ? `Tensor ${name} of ${where} has shape [${found.join(', ')}].`
        : `${where} has no tensor ${name}.`,
      'A fast decoder is a TAEHV file in safetensors format, such as taew2_1.safetensors.',
    );
  };
  const [width0 = 0, latentChannels = 0] = shape(`decoder.${FIRST}.weight`, 4);
  const outOf = (level: Level): number => shape(`decoder.${level.conv}.weight`, 4)[0] ?? 0;
  const grown = ({ grow }: Level): number => {
    const name = `decoder.${grow}.conv.weight`;
    const [out = 0, into = 1] = shape(name, 4);
    if (out > 0 && out % into === 0) return out / into;
    throw modelFormat(
      `Tensor ${name} of ${where} makes ${out} channels of ${into}: no whole number of frames.`,
      'The file is damaged or of another kind of decoder.',
    );
  };
  const [a, b, c] = LEVELS;
  const [pixels = 0] = shape(`decoder.${LAST}.weight`, 4);
  const patchSize = Math.sqrt(pixels / PIXEL_CHANNELS);
  if (!Number.isInteger(patchSize) || patchSize === 0) {
    throw modelFormat(
      `Tensor decoder.${LAST}.weight of ${where} makes ${pixels} channels: no patches of red, green and blue.`,
      'The file is damaged or of another kind of decoder.',
    );
  }
  return {
    latentChannels,
    widths: [width0, outOf(a), outOf(b), outOf(c)],
    growth: [grown(a), grown(b), grown(c)],
    patchSize,
  };
}

/**
 * @param file Its name: published decoders for other models' latents may have the very same shapes.
 * @throws ZoetropeError `model-format` if the decoder is for other latents.
 */
export function checkFit(layout: TaehvLayout, file: string, fit: LatentFit): void {
  const hint =
    'Choose the decoder for this model: taew2_1 for Wan 2.1 and Wan 2.2 A14B, taew2_2 for Wan 2.2 TI2V-5B.';
  const stem =
    file
      .split('/')
      .at(-1)
      ?.replace(/\.[^.]*$/, '') ?? '';
  const foreign = FOREIGN.get(stem);
  if (foreign !== undefined) throw modelFormat(`${file} decodes latents of ${foreign}.`, hint);
  const own = {
    channels: layout.latentChannels,
    temporalScale: temporalScale(layout),
    spatialScale: spatialScale(layout),
  };
  const describe = ({ channels, temporalScale: t, spatialScale: s }: LatentFit): string =>
    `${channels} channels, ${t} × ${s} × ${s}`;
  if (describe(own) !== describe(fit)) {
    throw modelFormat(
      `${file} decodes latents of ${describe(own)}; this model's are of ${describe(fit)}.`,
      hint,
    );
  }
}
