/** @file GIF tells time in hundredths of a second. */

/** Browsers show frames with shorter delays for a tenth of a second. */
const SHORTEST_DELAY = 2;

/**
 * The delay after each frame in hundredths of a second. They are rounded so that frame i is shown as near to
 * `i / frameRate` as can be; above 50 frames a second the clip runs slower.
 */
export function gifDelays(numFrames: number, frameRate: number): number[] {
  const start = (frame: number): number => Math.round((frame * 100) / frameRate);
  return Array.from({ length: numFrames }, (_, i) =>
    Math.max(SHORTEST_DELAY, start(i + 1) - start(i)),
  );
}
