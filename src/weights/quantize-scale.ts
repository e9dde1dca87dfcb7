/** @file The scale of one block: what decides how good a quantized weight is. */
import { TOO_LARGE } from './finite.ts';

/**
 * Steps between zero and the extreme that a 4-bit block is tried with; the best is kept. Relative error of Gaussian
 * weights: 9.7 % with the extreme at ±7, 8.6 % at −8 alone, 8.15 % with these; five or sixteen trials gain 0.2–0.4 % of
 * that and take 1.4 to 4 times as long.
 */
const STEPS_4BIT = [8, 7, 8.6] as const;

/**
 * Symmetric 8-bit: the largest weight becomes ±127. NaN if a weight is not finite or too large to be computed with.
 * @param bits Of the weights: without their sign they are in the order of sizes, and integers are compared faster.
 */
export function scale8(bits: Uint32Array, start: number, end: number): number {
  let most = 0;
  for (let i = start; i < end; i++) {
    const size = (bits[i] ?? 0) & 0x7fffffff;
    most = size > most ? size : most;
  }
  if (most >= TOO_LARGE_BITS) return Number.NaN;
  BITS[0] = most;
  return (NUMBER[0] ?? 0) / 127;
}

const NUMBER = Float32Array.of(TOO_LARGE);
const BITS = new Uint32Array(NUMBER.buffer);
const TOO_LARGE_BITS = BITS[0] ?? 0;

/**
 * 4-bit codes reach from −8 to 7, so the scale's sign is chosen such that the extreme lies on the longer side. For each
 * trial scale the codes q are fixed; among all scales for those codes, s = Σwq / Σq² has the least squared error, and
 * that error is Σw² − (Σwq)² / Σq². The trial for which the subtrahend is largest wins. NaN if a weight is not finite or
 * too large to be computed with.
 */
export function scale4(weights: Float32Array, start: number, end: number): number {
  let extreme = 0;
  let most = 0;
  let sum = 0;
  for (let i = start; i < end; i++) {
    const weight = weights[i] ?? 0;
    const size = Math.abs(weight);
    if (size > most) {
      most = size;
      extreme = weight;
    }
    // A comparison loses NaN, a sum does not.
    sum += size;
  }
  if (sum - sum !== 0 || most >= TOO_LARGE) return Number.NaN;
  if (extreme === 0) return 0;
  const inverse0 = -STEPS_4BIT[0] / extreme;
  const inverse1 = -STEPS_4BIT[1] / extreme;
  const inverse2 = -STEPS_4BIT[2] / extreme;
  let product0 = 0;
  let product1 = 0;
  let product2 = 0;
  let square0 = 0;
  let square1 = 0;
  let square2 = 0;
  // All trials in one pass: a sum waits for its former value, three sums wait together.
  for (let i = start; i < end; i++) {
    const weight = weights[i] ?? 0;
    const q0 = trialCode(weight * inverse0);
    const q1 = trialCode(weight * inverse1);
    const q2 = trialCode(weight * inverse2);
    product0 += weight * q0;
    product1 += weight * q1;
    product2 += weight * q2;
    square0 += q0 * q0;
    square1 += q1 * q1;
    square2 += q2 * q2;
  }
  let best = 0;
  let scale = extreme / -8;
  const gain0 = square0 > 0 ? (product0 * product0) / square0 : 0;
  if (gain0 > best) {
    best = gain0;
    scale = product0 / square0;
  }
  const gain1 = square1 > 0 ? (product1 * product1) / square1 : 0;
  if (gain1 > best) {
    best = gain1;
    scale = product1 / square1;
  }
  const gain2 = square2 > 0 ? (product2 * product2) / square2 : 0;
  return gain2 > best ? product2 / square2 : scale;
}

/** −8 … 7, nearest to `steps`, which are between −8.6 and 8.6: with 9.5 added the sum is not negative, and truncating rounds. */
function trialCode(steps: number): number {
  const code = (steps + 9.5) | 0;
  return (code > 16 ? 16 : code < 1 ? 1 : code) - 9;
}
