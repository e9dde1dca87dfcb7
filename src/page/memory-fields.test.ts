import { describe, expect, it } from 'vitest';
import { memoryParameters, memoryText } from './memory-fields.ts';

describe('memory in the address', () => {
  it('has the names of the fields, and megabytes', () => {
    const memory = {
      budgetBytes: 64_500_000,
      weights: 'q8',
      ramBytes: 1e9,
      guidance: 'sequential',
      tile: 128,
    } as const;
    expect(memoryParameters(memory)).toEqual([
      ['memory', '64.5'],
      ['weights', 'q8'],
      ['ram', '1000'],
      ['guidance', 'sequential'],
      ['tile', '128'],
    ]);
    expect(memoryParameters('auto')).toEqual([]);
  });
});

describe('a value that is offered', () => {
  it('is in megabytes, rounded so that it is enough', () => {
    expect(memoryText('memory.budgetBytes', 12_340_001)).toBe('12.4');
    expect(memoryText('memory.tile', 64)).toBe('64');
    expect(memoryText('width', 48)).toBe('48');
  });
});
