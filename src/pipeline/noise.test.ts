import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ZoetropeError } from '../errors.ts';
import fixture from '../../models/parity/fixtures/noise.json' with { type: 'json' };
import { lowBits, parseSeed } from '../seed.mjs';
import { randn, TorchGenerator } from './noise.ts';

interface Case {
  seed: number;
  count: number;
  values?: number[];
  first?: number[];
  last?: number[];
  sum?: number;
}
const CASES: Case[] = fixture.cases;

const seeds = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });

describe('randn', () => {
  it.each(CASES)('has the bits of torch.randn for seed $seed and $count values', (reference) => {
    const values = randn(reference.count, reference.seed);
    expect(values).toHaveLength(reference.count);
    if (reference.values) expect(values).toEqual(Float32Array.from(reference.values));
    if (reference.first) expect(values.slice(0, 20)).toEqual(Float32Array.from(reference.first));
    if (reference.last) expect(values.slice(-40)).toEqual(Float32Array.from(reference.last));
    if (reference.sum !== undefined) {
      expect(values.reduce((sum, value) => sum + value, 0)).toBeCloseTo(reference.sum, 9);
    }
  });

  it('starts as the first draw of each sequence', () => {
    for (const { seed, counts, values } of fixture.sequences) {
      expect(randn(counts[0] ?? 0, seed)).toEqual(Float32Array.from(values[0] ?? []));
    }
  });

  it.each(fixture.sequences)(
    'goes on with the bits of PyTorch: seed $seed, $counts',
    (sequence) => {
      const generator = new TorchGenerator(sequence.seed);
      for (const [i, count] of sequence.counts.entries()) {
        // What was there before must not matter.
        const values = new Float32Array(count).fill(Number.NaN);
        generator.draw(values);
        expect(values).toEqual(Float32Array.from(sequence.values[i] ?? []));
      }
    },
  );

  it('gives the same numbers for the same seed, and others for another', () => {
    const property = fc.property(seeds, seeds, fc.nat(200), (seed, other, count) => {
      const values = randn(count, seed);
      expect(randn(count, seed)).toEqual(values);
      if (count > 0 && seed % 2 ** 32 !== other % 2 ** 32) {
        expect(randn(count, other)).not.toEqual(values);
      }
    });
    fc.assert(property, { numRuns: 100, seed: 1 });
  });

  it('uses the low 32 bits of the seed', () => {
    const property = fc.property(fc.nat(), fc.nat(2 ** 20), (low, high) => {
      expect(randn(40, high * 2 ** 32 + low)).toEqual(randn(40, low));
    });
    fc.assert(property, { numRuns: 50, seed: 1 });
  });

  it.each(fixture.wideSeeds)('has the bits of torch.randn for the wide seed $seed', (reference) => {
    const values = Float32Array.from(reference.values);
    const seed = parseSeed(reference.seed);
    expect(randn(values.length, seed)).toEqual(values);
    expect(randn(values.length, BigInt(reference.seed))).toEqual(values);
    expect(randn(values.length, lowBits(seed))).toEqual(values);
  });

  it('has a common beginning among short draws, and among whole blocks', () => {
    const count = fc.oneof(
      fc.tuple(fc.nat(15), fc.nat(15)),
      fc.tuple(fc.nat(20), fc.nat(20)).map(([a, b]) => [a * 16 + 16, b * 16 + 16] as const),
    );
    const property = fc.property(seeds, count, (seed, [a, b]) => {
      const shorter = Math.min(a, b);
      expect(randn(a, seed).subarray(0, shorter)).toEqual(randn(b, seed).subarray(0, shorter));
    });
    fc.assert(property, { numRuns: 100, seed: 1 });
  });

  it('is finite and normal', () => {
    const values = randn(100_000, 7);
    expect(values.every(Number.isFinite)).toBe(true);
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
    const within = values.filter((value) => Math.abs(value) < 1).length / values.length;
    expect(mean).toBeCloseTo(0, 2);
    expect(variance).toBeCloseTo(1, 1);
    expect(within).toBeCloseTo(0.6827, 2);
  });

  it.each([0.5, NaN, Infinity, 2 ** 53])('refuses %d as a seed and as a count', (value) => {
    for (const draw of [() => randn(16, value), () => randn(value, 16)]) {
      expect(draw).toThrow(ZoetropeError);
      expect(draw).toThrow(expect.objectContaining({ code: 'invalid-argument' }));
    }
  });

  it('refuses a negative count', () => {
    expect(() => randn(-1, 16)).toThrow(expect.objectContaining({ code: 'invalid-argument' }));
  });

  it.each([2n ** 64n, -(2n ** 63n) - 1n])('refuses %d as a seed', (seed) => {
    expect(() => randn(16, seed)).toThrow(expect.objectContaining({ code: 'invalid-argument' }));
  });
});
