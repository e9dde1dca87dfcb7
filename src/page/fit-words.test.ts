/** @file A card and the plan of the same model and clip say the same, whatever the browser promises to store. */
import { expect, test } from 'vitest';
import { findModel } from '../families/catalogue/entries.ts';
import { plannedModel } from '../families/catalogue/planned-model.ts';
import type { DeviceReport } from '../runtime/device.ts';
import { ANY_GPU } from '../testing/device-reports.ts';
import { planMemory } from '../pipeline/memory-plan.ts';
import { storageRemark } from '../pipeline/storage-promise.ts';
import { assessModel } from '../pipeline/verdict.ts';
import { LEVELS } from './model-cards.ts';
import { OUTCOMES } from './plan-view.ts';

/** What Chrome reports to every page, however large the disk is. */
const CHROME_BYTES = 10 * 2 ** 30;

const GPU: DeviceReport = {
  ...ANY_GPU,
  maxBufferSize: 2 ** 32,
  maxStorageBufferBindingSize: 2 ** 31,
};
const TINY: DeviceReport = { ...GPU, maxStorageBufferBindingSize: 2 ** 22 };

test.each([
  ['pocket', GPU, 'resident', 'well', undefined],
  ['wan2.1-t2v-1.3b', GPU, 'streamed', 'streamed', undefined],
  ['wan2.1-t2v-1.3b', TINY, 'too-large', 'does-not-fit', undefined],
  [
    'wan2.1-t2v-14b',
    GPU,
    'streamed',
    'streamed',
    'The browser promises at least 10.7 GB of storage, and this model needs 22.0 GB: ' +
      'the download may have to stop. What is stored by then is kept.',
  ],
] as const)(
  '%s, case %#: the same outcome in the same words',
  (id, report, outcome, level, told) => {
    const entry = findModel(id) ?? expect.unreachable();
    const promised = assessModel(entry, { report, threads: 4, freeBytes: CHROME_BYTES });
    const plan = planMemory(plannedModel(entry), report, promised.size);
    expect(promised.plan).toEqual(plan);
    expect([plan.outcome, promised.level]).toEqual([outcome, level]);
    // The card's word on speed is its own: what fits runs well, or is streamed.
    expect(LEVELS[level][1]).toBe(level === 'well' ? 'Runs well' : OUTCOMES[outcome]);
    expect(promised.reason).toContain(plan.reason);
    // The page adds the very same to its plan.
    expect(promised.reason.endsWith(told ?? '')).toBe(true);
    expect(promised.reason.includes('The browser promises')).toBe(told !== undefined);
    if (told !== undefined) expect(storageRemark(plan.storedBytes, CHROME_BYTES)).toBe(told);
    const { missingBytes = 0 } = promised;
    expect(missingBytes).toBe(told === undefined ? 0 : plan.storedBytes - CHROME_BYTES);
  },
);
