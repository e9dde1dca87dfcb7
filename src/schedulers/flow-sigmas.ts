/**
 * @file The arithmetic of flow-matching schedules, in float64 with the order of operations of diffusers, on which the
 * last bit depends and with it, sometimes, a truncated timestep.
 */

/** `count` values from `start` to `stop`, both ends included, as `numpy.linspace` rounds them. */
export function linspace(start: number, stop: number, count: number): number[] {
  const step = (stop - start) / (count - 1);
  return Array.from({ length: count }, (_, i) => {
    if (i === 0) return start;
    return i === count - 1 ? stop : i * step + start;
  });
}

/**
 * Moves a share of noise towards 1: `shift · σ / (1 + (shift − 1) · σ)`.
 * From "Scaling Rectified Flow Transformers for High-Resolution Image Synthesis" (Esser et al., 2024), section 5.3.2.
 */
export function shiftSigma(sigma: number, shift: number): number {
  return (shift * sigma) / (1 + (shift - 1) * sigma);
}
