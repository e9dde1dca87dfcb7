/**
 * @file PyTorch's normal noise, so that a seed means what it means there. The algorithm and its parity with PyTorch are
 * written up in `models/parity/noise.md`.
 */
import { mersenne } from 'pure-rand/generator/mersenne';
import { invalidArgument } from '../errors.ts';
import { transformBlock } from './box-muller.ts';

/** PyTorch transforms uniforms to normals by blocks of so many. */
const BLOCK = 16;

/** 32 random bits, as a signed number. */
type Words = () => number;

/**
 * `torch.randn(count, generator=torch.Generator('cpu').manual_seed(seed))`, float32: the same bits as PyTorch on an x86
 * processor with AVX2, and as near to PyTorch on others as those are to one another (2e-6). A tensor of several
 * dimensions is filled in row-major order.
 *
 * Other counts give other numbers, except that two counts of the same kind (below 16, or multiples of 16) have a common
 * beginning.
 *
 * @param count Values to draw: a whole number, 0 or more.
 * @param seed 0 … 2^53 − 1. PyTorch's engine uses the low 32 bits.
 * @throws ZoetropeError `invalid-argument`.
 */
export function randn(count: number, seed: number): Float32Array<ArrayBuffer> {
  if (!Number.isSafeInteger(count) || count < 0) {
    throw invalidArgument('count', `${count} is not a count.`, 'Give a whole number, 0 or more.');
  }
  checkSeed(seed);
  // ToInt32, which the generator applies, keeps exactly the low 32 bits.
  const engine = mersenne(seed);
  const words = (): number => engine.next();
  return count < BLOCK ? shortDraw(count, words) : longDraw(count, words);
}

/** @throws ZoetropeError `invalid-argument` unless the seed is a whole number from 0 to 2^53 − 1. */
export function checkSeed(seed: number): void {
  if (Number.isSafeInteger(seed) && seed >= 0) return;
  throw invalidArgument(
    'seed',
    `${seed} is not a whole number from 0 to 2^53 − 1.`,
    'Choose another seed, or leave it out for a random one.',
  );
}

/** Fewer values than a block are made in pairs, in float64. */
function shortDraw(count: number, words: Words): Float32Array<ArrayBuffer> {
  const values = new Float32Array(count);
  for (let i = 0; i < count; i += 2) {
    const angle = 2 * Math.PI * uniform53(words);
    const radius = Math.sqrt(-2 * Math.log1p(-uniform53(words)));
    values[i] = radius * Math.cos(angle);
    if (i + 1 < count) values[i + 1] = radius * Math.sin(angle);
  }
  return values;
}

/** Whole blocks, in float32. The last 16 values of a count between are drawn anew, as a block of their own. */
function longDraw(count: number, words: Words): Float32Array<ArrayBuffer> {
  const values = new Float32Array(count);
  for (let i = 0; i < count; i++) values[i] = uniform24(words);
  for (let start = 0; start + BLOCK <= count; start += BLOCK) transformBlock(values, start);
  if (count % BLOCK !== 0) {
    const start = count - BLOCK;
    for (let i = start; i < count; i++) values[i] = uniform24(words);
    transformBlock(values, start);
  }
  return values;
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
