import { describe, expect, test } from 'vitest';
import { CATALOGUE, findModel } from '../families/catalogue/entries.ts';
import type { ModelEntry } from '../families/catalogue/model-entry.ts';
import { plannedModel } from '../families/catalogue/planned-model.ts';
import type { DeviceReport } from '../runtime/device.ts';
import { ANY_GPU } from '../testing/device-reports.ts';
import { planMemory } from './memory-plan.ts';
import { assessModel, type Machine, orderOfTime } from './verdict.ts';

const GPU: DeviceReport = {
  ...ANY_GPU,
  maxBufferSize: 2 ** 32,
  maxStorageBufferBindingSize: 2 ** 31,
};
const WASM: DeviceReport = {
  ...GPU,
  device: 'wasm',
  hasShaderF16: false,
  maxBufferSize: 0,
  maxStorageBufferBindingSize: 0,
};
const ROOMY: Machine = { report: GPU, freeBytes: 200e9, threads: 4 };

function entry(id: string): ModelEntry {
  const found = findModel(id);
  if (!found) throw new Error(`no ${id}`);
  return found;
}
const pocket = entry('pocket');
const small = entry('wan2.1-t2v-1.3b');
const large = entry('wan2.1-t2v-14b');
/** A plan of a large model takes a second: what several tests look at is made once. */
const smallOnRoomy = assessModel(small, ROOMY);

describe('on a GPU', () => {
  test('a small model runs well', () => {
    expect(assessModel(pocket, ROOMY)).toMatchObject({ model: 'pocket', level: 'well' });
  });

  test('the peak is the planner’s own', () => {
    const { plan, size } = smallOnRoomy;
    expect(plan).toEqual(planMemory(plannedModel(small), GPU, size));
  });

  test('Wan 1.3B fits in a size that stays within what the device is taken to have', () => {
    const { level, plan, size, reason } = smallOnRoomy;
    expect(level).toBe('streamed');
    expect(size).toEqual({ width: 832, height: 480, numFrames: 33 });
    expect(plan.formats).toMatchObject({ text_encoder: 'q4', transformer: 'q8' });
    expect(reason).toContain('Up to 832 × 480, 33 frames here.');
    expect(plan.downloadBytes).toBe(4 * (5_680_910_336 + 1_418_996_800 + 73_295_603));
  });

  test('a fast decoder is counted where it is wanted, and only there', () => {
    const plain = smallOnRoomy;
    const { checkpoint, plan } = assessModel(small, ROOMY, { fastDecoder: true });
    const decoder = checkpoint.components.find(({ name }) => name === 'fast_decoder');
    expect(decoder?.bytes).toBeGreaterThan(0);
    expect(checkpoint.downloadBytes - plain.checkpoint.downloadBytes).toBe(decoder?.bytes);
    expect(plan.downloadBytes - plain.plan.downloadBytes).toBe(decoder?.bytes);
    expect(plan.storedBytes).toBeGreaterThan(plain.plan.storedBytes);
    expect(plan.previewBytes).toBeGreaterThan(0);
    expect(checkpoint.previews).toBe('decoded');
    // The bundled model has none to go with it.
    expect(assessModel(pocket, ROOMY, { fastDecoder: true })).toEqual(assessModel(pocket, ROOMY));
  });

  test('a LoRA is fetched besides', () => {
    const merged = assessModel(entry('wan2.1-t2v-1.3b-self-forcing'), ROOMY);
    const plain = smallOnRoomy;
    expect(merged.plan.downloadBytes - plain.plan.downloadBytes).toBe(91_233_416);
    expect(merged.checkpoint.loras).toHaveLength(1);
  });

  test('Wan 14B is streamed, in a smaller size', () => {
    const { level, plan, size } = assessModel(large, ROOMY);
    expect(level).toBe('streamed');
    expect(size.width).toBeLessThan(832);
    expect(plan.phases[1]?.streamedStages).toBeGreaterThan(30);
  });

  test('one that binds too little to a kernel gets a smaller clip', () => {
    const report = { ...GPU, maxStorageBufferBindingSize: 2 ** 28 };
    const { level, size } = assessModel(small, { ...ROOMY, report });
    expect(level).not.toBe('does-not-fit');
    expect(size.width * size.numFrames).toBeLessThan(832 * 33);
  });

  test('one that binds next to nothing gets none, and is told what is too large', () => {
    const report = { ...GPU, maxStorageBufferBindingSize: 2 ** 22 };
    const { level, reason } = assessModel(small, { ...ROOMY, report });
    expect(level).toBe('does-not-fit');
    expect(reason).toContain('4.2 MB at the most');
  });
});

describe('storage', () => {
  test('that may be short changes no plan, and fewer bits are proposed where they would do', () => {
    const verdict = assessModel(small, { ...ROOMY, freeBytes: 6.7e9 });
    const { level, memory, plan, size, reason, missingBytes } = verdict;
    expect([level, plan]).toEqual([smallOnRoomy.level, smallOnRoomy.plan]);
    expect(missingBytes).toBe(plan.storedBytes - 6.7e9);
    expect(memory?.weights).toEqual({ text_encoder: 'q4', transformer: 'q4' });
    const again = planMemory(plannedModel(small), GPU, { ...size, memory: memory ?? 'auto' });
    expect(again.storedBytes).toBeLessThan(6.7e9);
    expect(reason).toMatch(
      /promises at least 6\.7 GB of storage, and this model needs 7\.0 GB: the download may have to stop/,
    );
    expect(reason).toMatch(/With its weights in q4 it needs 6\.3 GB\.$/);
  });

  test('that is far too short by the estimate is a remark, with what is missing', () => {
    const verdict = assessModel(small, { ...ROOMY, freeBytes: 2e9 });
    const { level, memory, plan, missingBytes, reason } = verdict;
    expect([level, plan]).toEqual([smallOnRoomy.level, smallOnRoomy.plan]);
    expect(memory).toBeUndefined();
    expect(missingBytes).toBe(plan.storedBytes - 2e9);
    expect(reason).toMatch(/promises at least 2\.0 GB of storage.* may have to stop.*is kept\.$/);
  });

  test('does not matter for a model that is there, or that RAM can hold', () => {
    expect(assessModel(small, { ...ROOMY, freeBytes: 0 }, { isStored: true }).level).toBe(
      'streamed',
    );
    expect(assessModel(pocket, { ...ROOMY, freeBytes: 0 }).level).toBe('well');
  });

  test('of unknown size is taken to suffice', () => {
    expect(assessModel(small, { report: GPU, threads: 4 }).level).toBe('streamed');
  });
});

describe('without a GPU', () => {
  test('a small model runs well, a large one is not practical, and both are told why', () => {
    const machine = { ...ROOMY, report: WASM };
    expect(assessModel(pocket, machine)).toMatchObject({ level: 'well' });
    const { level, seconds = 0, reason } = assessModel(small, machine);
    expect(level).toBe('impractical');
    expect(seconds).toBeGreaterThan(24 * 3600);
    expect(reason).toMatch(/^Computed by the CPU: a clip takes about \d+ hours\./);
  });

  test('fewer steps and more threads take less time', () => {
    const machine = { ...ROOMY, report: WASM };
    const fifty = assessModel(small, machine).seconds ?? Number.NaN;
    const four = assessModel(entry('wan2.1-t2v-1.3b-self-forcing'), machine).seconds ?? Number.NaN;
    expect(four).toBeLessThan(fifty / 10);
    const one = assessModel(small, { ...machine, threads: 1 }).seconds ?? Number.NaN;
    expect(one / fifty).toBeCloseTo(4);
  });

  test('a software adapter is slower than the CPU by itself', () => {
    const report = { ...GPU, isSoftware: true };
    const software = assessModel(pocket, { ...ROOMY, report }).seconds ?? Number.NaN;
    const cpu = assessModel(pocket, { ...ROOMY, report: WASM }).seconds ?? Number.NaN;
    expect(software).toBeGreaterThan(cpu);
  });
});

test('every model gets a verdict on every machine', () => {
  for (const each of CATALOGUE) {
    for (const report of [GPU, WASM, { ...GPU, isSoftware: true, hasShaderF16: false }]) {
      const { reason, plan } = assessModel(each, { report, threads: 2, freeBytes: 10e9 });
      expect(reason).toMatch(/\.$/);
      expect(plan.downloadBytes).toBeGreaterThan(0);
    }
  }
});

test.each([
  [3, 'less than a minute'],
  [60, 'about 1 minute'],
  [150, 'about 3 minutes'],
  [1300, 'about 20 minutes'],
  [3600, 'about 1 hour'],
  [20 * 3600, 'about 20 hours'],
  [90_000 * 2, 'about 2 days'],
])('%d seconds are %s', (seconds, words) => {
  expect(orderOfTime(seconds)).toBe(words);
});
