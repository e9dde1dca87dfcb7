/**
 * @file Both halves of UniPC are linear in the samples and in the predicted clean samples, so a step is nothing but its
 * coefficients, and they depend on the schedule alone.
 *
 * The paper: "UniPC: A Unified Predictor-Corrector Framework for Fast Sampling of Diffusion Models" (Zhao et al., 2023),
 * the B(h) variant for data prediction (appendix A). With α = 1 − σ, λ = ln(α/σ), h = λ_t − λ_s, m the predicted clean
 * samples, m₀ the newest known before the step:
 *
 *     x_t = (σ_t/σ_s) x_s − α_t (e^−h − 1) m₀ − α_t B(−h) Σ ρ_k (m_k − m₀) / r_k
 *
 * where r_k = (λ_k − λ_s)/h; the corrector adds the clean sample predicted at the end of the step itself, with r = 1.
 * The ρ solve the system R ρ = b with R's rows r^0, r^1, … and b_i = i! φ_(i+1)(−h) (−h)^… / B(−h).
 */
import { solveLinear } from './solve-linear.ts';
import type { UniPCConfig } from './unipc-config.ts';

/** Weights of one update. `history[k]` is that of the k-th newest predicted clean sample before the step's end. */
export interface StepCoefficients {
  readonly sample: number;
  readonly history: readonly [number, number, number];
  /** Of the clean sample predicted at the step's end; 0 in a predictor. */
  readonly current: number;
}

/** The update from `sigmas[from]` to `sigmas[from + 1]` that does without the model's answer at its end. */
export function predictorCoefficients(
  sigmas: readonly number[],
  from: number,
  order: number,
  solverType: UniPCConfig['solverType'],
): StepCoefficients {
  const { step, ratios } = geometry(sigmas, from, order);
  // For order 2 the authors' half instead of the system's solution, exact as h goes to 0.
  const rhos =
    order === 2
      ? [0.5]
      : solveLinear(...system([...ratios, 1], step.minusH, solverType, order - 1));
  return combine(step, ratios, rhos, solverType);
}

/** The same step once more, with the clean sample predicted at its end. */
export function correctorCoefficients(
  sigmas: readonly number[],
  from: number,
  order: number,
  solverType: UniPCConfig['solverType'],
): StepCoefficients {
  const { step, ratios } = geometry(sigmas, from, order);
  const rhos =
    order === 1 ? [0.5] : solveLinear(...system([...ratios, 1], step.minusH, solverType, order));
  return combine(step, ratios, rhos, solverType);
}

interface StepGeometry {
  /** σ_t/σ_s. */
  readonly sampleScale: number;
  readonly alpha: number;
  readonly minusH: number;
}

/** Every number is derived from the float32 sigmas. `ratios` are the r of the older clean samples, newest first. */
function geometry(
  sigmas: readonly number[],
  from: number,
  order: number,
): { step: StepGeometry; ratios: number[] } {
  const start = sigmas[from] ?? NaN;
  const end = sigmas[from + 1] ?? NaN;
  const h = lambda(end) - lambda(start);
  const ratios = Array.from(
    { length: order - 1 },
    (_, k) => (lambda(sigmas[from - 1 - k] ?? NaN) - lambda(start)) / h,
  );
  return { step: { sampleScale: end / start, alpha: 1 - end, minusH: -h }, ratios };
}

/** Half the logarithm of the signal-to-noise ratio; infinite without noise. */
function lambda(sigma: number): number {
  return Math.log(1 - sigma) - Math.log(sigma);
}

function bFunction(minusH: number, solverType: UniPCConfig['solverType']): number {
  return solverType === 'bh1' ? minusH : Math.expm1(minusH);
}

/** The first `size` rows and columns of R, and of b. */
function system(
  ratios: readonly number[],
  minusH: number,
  solverType: UniPCConfig['solverType'],
  size: number,
): [matrix: number[][], right: number[]] {
  const matrix: number[][] = [];
  const right: number[] = [];
  let phi = Math.expm1(minusH) / minusH - 1;
  let factorial = 1;
  for (let i = 0; i < size; i++) {
    matrix.push(ratios.slice(0, size).map((ratio) => ratio ** i));
    right.push((phi * factorial) / bFunction(minusH, solverType));
    factorial *= i + 2;
    phi = phi / minusH - 1 / factorial;
  }
  return [matrix, right];
}

/** Sorts the formula by clean samples. A ρ beyond the ratios is that of the step's end, where r = 1. */
function combine(
  { sampleScale, alpha, minusH }: StepGeometry,
  ratios: readonly number[],
  rhos: readonly number[],
  solverType: UniPCConfig['solverType'],
): StepCoefficients {
  const b = bFunction(minusH, solverType);
  const weights = rhos.map((rho, k) => -(alpha * b * rho) / (ratios[k] ?? 1));
  const newest = -alpha * Math.expm1(minusH) - weights.reduce((sum, weight) => sum + weight, 0);
  const older = weights.slice(0, ratios.length);
  return {
    sample: sampleScale,
    history: [newest, older[0] ?? 0, older[1] ?? 0],
    current: weights[ratios.length] ?? 0,
  };
}
