/**
 * @file Seeds, as `torch.Generator.manual_seed` takes them. The page, the library and the commands share this module; it is
 * JavaScript because the commands run without a build.
 */

/**
 * A number where that holds every digit, a BigInt where it does not.
 * @typedef {number | bigint} Seed
 */

const LEAST = -(2n ** 63n);
const MOST = 2n ** 64n - 1n;
const RANGE = 'a whole number from −2^63 to 2^64 − 1';
const HINT = 'Choose another seed, or leave it out for a random one.';

/**
 * Reads what a person typed, digit for digit.
 * @param {string} text
 * @returns {Seed} NaN if the text is not a whole number; {@link seedProblem} checks the range.
 */
export function parseSeed(text) {
  const match = /^([+−-]?)(\d+)$/.exec(text.trim());
  if (!match) return Number.NaN;
  const [, sign = '', digits = ''] = match;
  const size = BigInt(digits);
  return canonicalSeed(sign === '' || sign === '+' ? size : -size);
}

/**
 * The same seed in the one form that is written and compared: a number wherever it is exact.
 * @param {Seed} seed
 * @returns {Seed}
 */
export function canonicalSeed(seed) {
  const number = Number(seed);
  // The sum makes a plain zero of −0.
  return Number.isSafeInteger(number) ? number + 0 : seed;
}

/**
 * What is wrong with a seed, in words; undefined if nothing is.
 * @param {unknown} seed
 * @param {string} [shown] The seed as the user wrote it.
 * @returns {{ message: string, hint: string } | undefined}
 */
export function seedProblem(seed, shown = typeof seed === 'string' ? `“${seed}”` : String(seed)) {
  if (typeof seed === 'bigint') {
    if (seed >= LEAST && seed <= MOST) return undefined;
    return { message: `${shown} is not ${RANGE}.`, hint: HINT };
  }
  if (Number.isSafeInteger(seed)) return undefined;
  const isWhole = typeof seed === 'number' && Number.isInteger(seed);
  if (!isWhole || BigInt(seed) < LEAST || BigInt(seed) > MOST) {
    return { message: `${shown} is not ${RANGE}.`, hint: HINT };
  }
  return {
    message: `${shown} is too large for a JavaScript number, which has rounded it already.`,
    hint: 'Give it as a BigInt, such as 9007199254740993n.',
  };
}

/**
 * The bits of the seed that PyTorch's generator uses.
 * @param {Seed} seed
 * @returns {number} 0 … 2^32 − 1.
 */
export function lowBits(seed) {
  return Number(BigInt.asUintN(32, BigInt(seed)));
}
