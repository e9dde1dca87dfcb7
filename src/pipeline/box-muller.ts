/**
 * @file Uniforms to normals by the method of Box and Muller, in float32 with the roundings of PyTorch's AVX2 build.
 *
 * There, logarithm, sine and cosine are the single-precision polynomials of the Cephes library (Moshier), with fused
 * multiply-adds. A fused operation is one rounding of a float64 expression here: the product of two float32 values is
 * exact in float64.
 */

const { fround } = Math;

const TWO_PI = fround(2 * Math.PI);
const FOUR_OVER_PI = fround(4 / Math.PI);
const SQRT_HALF = fround(Math.SQRT1_2);

// ln 2 and π/4 as sums of float32 values whose products with small whole numbers are exact.
const LN2_HIGH = fround(0.693359375);
const LN2_LOW = fround(-2.1219444e-4);
const QUARTER_PI_HIGH = fround(0.78515625);
const QUARTER_PI_MIDDLE = fround(2.4187564849853515625e-4);
const QUARTER_PI_LOW = fround(3.774894977445941e-8);

// Coefficients from the highest power down.
const LOG = Float32Array.of(
  7.0376836292e-2,
  -1.151461031e-1,
  1.167699874e-1,
  -1.2420140846e-1,
  1.4249322787e-1,
  -1.6668057665e-1,
  2.0000714765e-1,
  -2.4999993993e-1,
  3.3333331174e-1,
);
const SINE = Float32Array.of(-1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1);
const COSINE = Float32Array.of(2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2);

/** Transforms the 16 uniforms at `start` in place: eight for the radius, eight for the angle. */
export function transformBlock(values: Float32Array, start: number): void {
  for (let i = start; i < start + 8; i++) {
    const radius = fround(Math.sqrt(fround(-2 * log(fround(1 - (values[i] ?? 0))))));
    const x = fround(TWO_PI * (values[i + 8] ?? 0));
    // Sine and cosine share the reduction to an eighth of a turn.
    const octant = (Math.trunc(fround(x * FOUR_OVER_PI)) + 1) & ~1;
    const reduced = reduce(x, octant);
    const square = fround(reduced * reduced);
    const odd = (octant & 2) !== 0;
    const sine = odd ? cosinePolynomial(square) : sinePolynomial(reduced, square);
    const cosine = odd ? sinePolynomial(reduced, square) : cosinePolynomial(square);
    values[i] = radius * ((octant - 2) & 4 ? cosine : -cosine);
    values[i + 8] = radius * (octant & 4 ? -sine : sine);
  }
}

const word = new DataView(new ArrayBuffer(4));

/** Natural logarithm of a positive, normal float32 value. */
function log(value: number): number {
  word.setFloat32(0, value);
  const bits = word.getInt32(0);
  let exponent = (bits >> 23) - 126;
  word.setInt32(0, (bits & 0x007fffff) | 0x3f000000);
  let x = word.getFloat32(0); // In [0.5, 1).
  const small = x < SQRT_HALF;
  if (small) exponent--;
  x = fround(fround(x - 1) + (small ? x : 0));
  const square = fround(x * x);
  const series = fround(horner(LOG, x) * x);
  let y = fround(series * square + fround(exponent * LN2_LOW));
  y = fround(square * -0.5 + y);
  return fround(exponent * LN2_HIGH + fround(x + y));
}

/** x − octant · π/4. */
function reduce(x: number, octant: number): number {
  const high = fround(octant * -QUARTER_PI_HIGH + x);
  const middle = fround(octant * -QUARTER_PI_MIDDLE + high);
  return fround(octant * -QUARTER_PI_LOW + middle);
}

function sinePolynomial(x: number, square: number): number {
  return fround(fround(horner(SINE, square) * square) * x + x);
}

function cosinePolynomial(square: number): number {
  const series = fround(horner(COSINE, square) * square);
  return fround(fround(series * square + fround(square * -0.5)) + 1);
}

function horner(coefficients: Float32Array, x: number): number {
  let value = coefficients[0] ?? 0;
  for (let i = 1; i < coefficients.length; i++) {
    value = fround(value * x + (coefficients[i] ?? 0));
  }
  return value;
}
