import { beforeAll, describe, expect, test } from 'vitest';
import type { ModelCheckpoint } from '../families/family.ts';
import { openCheckpoint } from '../families/open-checkpoint.ts';
import type { DeviceReport } from '../runtime/device.ts';
import { ANY_GPU as GPU } from '../testing/device-reports.ts';
import { repositoryFolder } from '../testing/fixtures.ts';
import type { ComponentFormats, MemoryPlan, PlanOptions, WeightsFormat } from './api.ts';
import { planMemory, settleMemory } from './memory-plan.ts';
import { type MemorySettings, resolveMemory } from './memory-settings.ts';

const OLD_GPU: DeviceReport = { ...GPU, hasShaderF16: false };

let checkpoint: ModelCheckpoint;

beforeAll(async () => {
  checkpoint = await openCheckpoint(await repositoryFolder('models/pocket'));
});

function plan(options: PlanOptions = {}, report = GPU): MemoryPlan {
  return planMemory(checkpoint, report, options);
}

function all(format: WeightsFormat): ComponentFormats {
  return { text_encoder: format, transformer: format, vae: format };
}

function resolve(options: Parameters<typeof resolveMemory>[0], report = GPU): MemorySettings {
  return resolveMemory(options, report, () => all('q8'));
}

describe('memory options', () => {
  test.each([
    [{ budgetBytes: 0 }, 'memory.budgetBytes'],
    [{ budgetBytes: Number.NaN }, 'memory.budgetBytes'],
    [{ ramBytes: -1 }, 'memory.ramBytes'],
    [{ tile: 0 }, 'memory.tile'],
    [{ weights: 'q2' as 'q8' }, 'memory.weights'],
    [{ weights: { transformer: 'q2' as 'q8' } }, 'memory.weights'],
    [{ weights: { unet: 'q8' } as object }, 'memory.weights'],
    [{ guidance: 'both' as 'batched' }, 'memory.guidance'],
  ])('%j is refused, naming the option', (memory, option) => {
    expect(() => resolve({ memory })).toThrow(
      expect.objectContaining({
        code: 'invalid-argument',
        message: expect.stringContaining(option),
      }),
    );
  });

  test('RAM for weights that are in RAM anyway is refused', () => {
    expect(() => resolve({ memory: { ramBytes: 1e6 } })).toThrow(
      expect.objectContaining({ hint: expect.stringContaining('storage') }),
    );
    expect(resolve({ memory: { ramBytes: 1e6 }, storage: true }).ramBytes).toBe(1e6);
  });

  test('the format follows the arithmetic unless it is chosen', () => {
    expect(resolve({ memory: {} })).toMatchObject({ weights: all('f16'), dtype: 'float16' });
    expect(resolve({ memory: {} }, OLD_GPU)).toMatchObject({
      weights: all('f32'),
      dtype: 'float32',
    });
    expect(resolve({ memory: {}, dtype: 'float32' })).toMatchObject({ weights: all('f32') });
    expect(resolve({ memory: { weights: 'f16' } }, OLD_GPU).dtype).toBe('float32');
    expect(resolve({ memory: { weights: 'f32' } }).dtype).toBe('float32');
    expect(resolve({ memory: { weights: 'q4' } })).toMatchObject({
      weights: all('q4'),
      dtype: 'float16',
    });
  });

  test('a component may have a format of its own', () => {
    const weights = { text_encoder: 'q4', transformer: 'q8' } as const;
    expect(resolve({ memory: { weights } }).weights).toEqual({ ...weights, vae: 'f16' });
    const own = plan({ memory: { weights } });
    const [q8, q4] = (['q8', 'q4'] as const).map((format) => plan({ memory: { weights: format } }));
    expect(own).toMatchObject({ weights: 'q8', formats: { ...weights, vae: 'f16' } });
    expect(own.reason).toContain('(q8, text encoder q4)');
    expect(own.phases.map(({ name, weightBytes }) => [name, weightBytes])).toEqual([
      ['text_encoder', q4?.phases[0]?.weightBytes],
      ['transformer', q8?.phases[1]?.weightBytes],
      ['vae', q8?.phases[2]?.weightBytes],
    ]);
    expect(own.storedBytes).toBeLessThan(q8?.storedBytes ?? 0);
    expect(own.storedBytes).toBeGreaterThan(q4?.storedBytes ?? Infinity);
  });

  test('auto quantizes only what would not fit as it is', () => {
    expect(settleMemory(checkpoint, GPU, {})).toMatchObject({
      weights: all('f16'),
      budgetBytes: Number.POSITIVE_INFINITY,
    });
    expect(resolve({ memory: 'auto' }).weights).toEqual(all('q8'));
  });
});

describe('the plan of a clip', () => {
  test('tells what is fetched, what is kept, and the peak of its phases', () => {
    const f16 = plan();
    const q8 = plan({ memory: { weights: 'q8' } });
    expect(f16).toMatchObject({ outcome: 'resident', weights: 'f16', guidance: 'batched' });
    expect(q8.downloadBytes).toBe(f16.downloadBytes);
    expect(q8.storedBytes).toBeLessThan(0.75 * f16.storedBytes);
    expect(f16.phases.map(({ name }) => name)).toEqual(['text_encoder', 'transformer', 'vae']);
    for (const phase of f16.phases) {
      expect(phase.predictedPeakBytes).toBe(phase.residentWeightBytes + phase.workingSetBytes);
      expect(f16.predictedPeakBytes).toBeGreaterThanOrEqual(phase.predictedPeakBytes);
    }
    expect(f16.reason).toMatch(/All weights \(f16\) stay on the device/);
  });

  test('without a text encoder leaves it out of the phases, and out of the bytes', () => {
    const whole = plan();
    const without = plan({ textEncoder: false });
    expect(without.phases).toEqual(whole.phases.slice(1));
    expect(without.downloadBytes).toBeLessThan(whole.downloadBytes);
    expect(without.storedBytes).toBeLessThan(whole.storedBytes);
    const encoder = whole.phases[0]?.predictedPeakBytes ?? Number.NaN;
    expect(encoder).toBeGreaterThan(0);
    expect(without.predictedPeakBytes).toBeLessThanOrEqual(whole.predictedPeakBytes);
  });

  test('streams under a budget that the weights do not fit, and says so', () => {
    const size = { width: 32, height: 32, numFrames: 5 };
    const whole = plan({ ...size, dtype: 'float32' });
    const budgetBytes = Math.round(0.8 * whole.predictedPeakBytes);
    const streamed = plan({ ...size, dtype: 'float32', memory: { budgetBytes } });
    expect(streamed.outcome).toBe('streamed');
    expect(streamed.predictedPeakBytes).toBeLessThanOrEqual(budgetBytes);
    expect(streamed.reason).toMatch(/\d of \d+ stages of the transformer/);
  });

  test('decodes in tiles what does not fit whole, by budget or by what the device can bind', () => {
    const size = { width: 256, height: 192, numFrames: 5 };
    const whole = plan(size);
    expect(whole.tile).toBeUndefined();
    const decoder = whole.phases.find(({ name }) => name === 'vae');
    const budgetBytes = Math.round(0.7 * (decoder?.predictedPeakBytes ?? 0));
    const tiled = plan({ ...size, memory: { budgetBytes } });
    expect(tiled.tile).toBeLessThan(256);
    expect(tiled.predictedPeakBytes).toBeLessThanOrEqual(budgetBytes);
    expect(tiled.reason).toContain(`tiles of ${tiled.tile} pixels`);
    expect(plan({ ...size, memory: { tile: 64 } }).tile).toBe(64);

    const small = { ...GPU, maxStorageBufferBindingSize: 2 ** 23 };
    expect(plan(size, small).tile).toBeLessThan(256);
    const tiny = { ...GPU, maxStorageBufferBindingSize: 2 ** 12 };
    expect(plan(size, tiny)).toMatchObject({
      outcome: 'too-large',
      reason: expect.stringContaining('this device takes'),
    });
  });

  test('too small a budget is told with the least that would do, which then does', () => {
    const least = plan({ memory: { budgetBytes: 1e6 } });
    expect(least).toMatchObject({ outcome: 'too-large', phases: [], predictedPeakBytes: 0 });
    const budgetBytes = least.leastBudgetBytes ?? 0;
    expect(plan({ memory: { budgetBytes } }).outcome).not.toBe('too-large');
    expect(plan({ memory: { budgetBytes: budgetBytes - 1 } }).outcome).toBe('too-large');
  });

  test('a size that the model cannot do is refused', () => {
    expect(() => plan({ width: 33 })).toThrow(
      expect.objectContaining({ code: 'invalid-argument' }),
    );
  });
});
