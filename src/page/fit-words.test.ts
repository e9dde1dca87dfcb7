/** @file A card and the plan of the same model and clip say the same, whatever the browser promises to store. */
import { describe, expect, test } from 'vitest';
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

describe.each([
  ['pocket', GPU, 'resident', 'well'],
  ['wan2.1-t2v-1.3b', GPU, 'streamed', 'streamed'],
  ['wan2.1-t2v-14b', GPU, 'streamed', 'streamed'],
  ['wan2.1-t2v-1.3b', TINY, 'too-large', 'does-not-fit'],
] as const)('%s, case %#', (id, report, outcome, level) => {
  const entry = findModel(id) ?? expect.unreachable();
  test.each([undefined, 0, CHROME_BYTES])(
    'with %s bytes promised: the same outcome in the same words',
    (freeBytes) => {
      const machine = { report, threads: 4, ...(freeBytes === undefined ? {} : { freeBytes }) };
      const verdict = assessModel(entry, machine);
      const plan = planMemory(plannedModel(entry), report, verdict.size);
      expect(verdict.plan).toEqual(plan);
      expect([plan.outcome, verdict.level]).toEqual([outcome, level]);
      // The card's word on speed is its own: what fits runs well, or is streamed.
      const words = level === 'well' ? 'Runs well' : OUTCOMES[outcome];
      expect(LEVELS[verdict.level][1]).toBe(words);
      expect(verdict.reason).toContain(plan.reason);
      const isKept = entry.load.storage || plan.storedBytes > 2 ** 30;
      const remark = isKept ? storageRemark(plan.storedBytes, freeBytes) : undefined;
      const isTold = level !== 'does-not-fit' && remark !== undefined;
      expect(verdict.reason.includes('The browser promises')).toBe(isTold);
      if (isTold) expect(verdict.reason).toContain(remark);
    },
  );
});

test('Chrome’s figure refuses no model that its plan fits', () => {
  const large = findModel('wan2.1-t2v-14b') ?? expect.unreachable();
  const { level, reason } = assessModel(large, {
    report: GPU,
    threads: 4,
    freeBytes: CHROME_BYTES,
  });
  expect(level).toBe('streamed');
  expect(reason).toMatch(
    /promises at least 10\.7 GB of storage, and this model needs 22\.\d GB: the download may have to stop\. What is stored by then is kept\.$/,
  );
});
