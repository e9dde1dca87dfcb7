/** @file Latents to tokens and back. Both are a permutation of a few megabytes a step, so they stay on the CPU. */

import type { LatentShape } from '../family.ts';

export type PatchSize = readonly [number, number, number];

/** Tokens along frames, rows, columns. */
export function tokenGrid(shape: LatentShape, [pt, ph, pw]: PatchSize): [number, number, number] {
  return [shape.frames / pt, shape.height / ph, shape.width / pw];
}

/**
 * Visits every latent with its place among tokens.
 * @param channelsLast Whether a token's features run channel-fastest (as the head makes them) or patch-fastest (as the
 *   patch embedding's convolution weight reads them).
 */
function permute(
  shape: LatentShape,
  patch: PatchSize,
  channelsLast: boolean,
  visit: (latent: number, token: number) => void,
): void {
  const { channels, frames, height, width } = shape;
  const [pt, ph, pw] = patch;
  const [, rows, columns] = tokenGrid(shape, patch);
  const volume = pt * ph * pw;
  const features = channels * volume;
  let latent = 0;
  for (let c = 0; c < channels; c++) {
    for (let t = 0; t < frames; t++) {
      for (let y = 0; y < height; y++) {
        const row = (Math.floor(t / pt) * rows + Math.floor(y / ph)) * columns;
        const within = ((t % pt) * ph + (y % ph)) * pw;
        for (let x = 0; x < width; x++) {
          const offset = within + (x % pw);
          const feature = channelsLast ? offset * channels + c : c * volume + offset;
          visit(latent++, (row + Math.floor(x / pw)) * features + feature);
        }
      }
    }
  }
}

/** @param latents `[C, F, H, W]` → `tokens` `[S, C · pt · ph · pw]`, written in place. */
export function patchify(
  latents: Float32Array,
  shape: LatentShape,
  patch: PatchSize,
  tokens: Float32Array,
): void {
  permute(shape, patch, false, (latent, token) => {
    tokens[token] = latents[latent] ?? 0;
  });
}

/** @param tokens `[S, pt · ph · pw · C]` → `latents` `[C, F, H, W]`, written in place. */
export function unpatchify(
  tokens: Float32Array,
  shape: LatentShape,
  patch: PatchSize,
  latents: Float32Array,
): void {
  permute(shape, patch, true, (latent, token) => {
    latents[latent] = tokens[token] ?? 0;
  });
}
