/**
 * @file PyTorch's normal noise, so that a seed means what it means there. The algorithm and its parity with PyTorch are
 * written up in `models/parity/noise.md`.
 */
import { mersenne } from 'pure-rand/generator/mersenne';
import { invalidArgument } from '../errors.ts';
import { lowBits, type Seed, seedProblem } from '../seed.mjs';
import { transformBlock } from './box-muller.ts';

/** PyTorch transforms uniforms to normals by blocks of so many. */
const BLOCK = 16;

/** 32 random bits, as a signed number. */
type Words = () => number;

/**
 * `torch.Generator('cpu').manual_seed(seed)`, as far as `torch.randn` goes: consecutive draws are those of one generator
 * there, to the bit on an x86 processor with AVX2, and as near to PyTorch on others as those are to one another (2e-6).
 */
export class TorchGenerator {
  readonly #words: Words;
  /** The second half of a pair, from an odd draw of less than a block; longer draws neither use nor clear it. */
  #spare: number | undefined;

  /**
   * @param seed −2^63 … 2^64 − 1. PyTorch's engine uses the low 32 bits.
   * @throws ZoetropeError `invalid-argument`.
   */
  constructor(seed: Seed) {
    checkSeed(seed);
    const engine = mersenne(lowBits(seed));
    this.#words = () => engine.next();
  }

  /**
   * `torch.randn(values.length)` over `values`. A tensor of several dimensions is filled in row-major order. How the
   * values are divided into draws changes them: one draw of 20 is not one of 16 and one of 4.
   */
  draw(values: Float32Array): void {
    if (values.length < BLOCK) this.#fillShort(values);
    else fillLong(values, this.#words);
  }

  /** Fewer values than a block are made in pairs, in float64. */
  #fillShort(values: Float32Array): void {
    for (let i = 0; i < values.length; i++) {
      if (this.#spare !== undefined) {
        values[i] = this.#spare;
        this.#spare = undefined;
        continue;
      }
      const angle = 2 * Math.PI * uniform53(this.#words);
      const radius = Math.sqrt(-2 * Math.log1p(-uniform53(this.#words)));
      values[i] = radius * Math.cos(angle);
      this.#spare = radius * Math.sin(angle);
    }
  }
}

/**
 * The first draw of a {@link TorchGenerator}: `torch.randn(count, generator=…manual_seed(seed))`, float32.
 *
 * Other counts give other numbers, except that two counts of the same kind (below 16, or multiples of 16) have a common
 * beginning.
 *
 * @param count Values to draw: a whole number, 0 or more.
 * @param seed −2^63 … 2^64 − 1.
 * @throws ZoetropeError `invalid-argument`.
 */
export function randn(count: number, seed: Seed): Float32Array<ArrayBuffer> {
  if (!Number.isSafeInteger(count) || count < 0) {
    throw invalidArgument('count', `${count} is not a count.`, 'Give a whole number, 0 or more.');
  }
  const generator = new TorchGenerator(seed);
  const values = new Float32Array(count);
  generator.draw(values);
  return values;
}

/** @throws ZoetropeError `invalid-argument` unless PyTorch takes the seed and no digit of it is lost. */
export function checkSeed(seed: unknown): asserts seed is Seed {
  const problem = seedProblem(seed);
  if (problem) throw invalidArgument('seed', problem.message, problem.hint);
}

/** Whole blocks, in float32. The last 16 values of a count between are drawn anew, as a block of their own. */
function fillLong(values: Float32Array, words: Words): void {
  const count = values.length;
  for (let i = 0; i < count; i++) values[i] = uniform24(words);
  for (let start = 0; start + BLOCK <= count; start += BLOCK) transformBlock(values, start);
  if (count % BLOCK !== 0) {
    const start = count - BLOCK;
    for (let i = start; i < count; i++) values[i] = uniform24(words);
    transformBlock(values, start);
  }
}

/** A multiple of 2^-24 in [0, 1), exact in float32. */
function uniform24(words: Words): number {
  return (words() & 0xffffff) * 2 ** -24;
}

/** A multiple of 2^-53 in [0, 1), from the low 53 bits of two words, the high word first. */
function uniform53(words: Words): number {
  const high = words() & 0x1fffff;
  const low = words() >>> 0;
  return (high * 2 ** 32 + low) * 2 ** -53;
}
