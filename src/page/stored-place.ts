/** @file What the browser's storage has of the model in the form, and whether the rest may be too much for it. */
import type { CheckpointReport, MemoryPlan } from '../index.ts';
import { keptBytes, leftToFetch } from '../pipeline/left-to-fetch.ts';
import { storageRemark } from '../pipeline/storage-promise.ts';
import { browserRecords } from '../store/browser-records.ts';
import { browserEstimate } from '../store/quota.ts';
import { isDamaged } from '../store/record.ts';
import type { WeightsPlace } from './plan-view.ts';

export async function storedPlace(
  report: CheckpointReport,
  plan: MemoryPlan,
): Promise<WeightsPlace> {
  // Where there is no storage, loading says so.
  const all = await browserRecords().catch(() => []);
  const records = all.flatMap((record) => (isDamaged(record) ? [] : [record]));
  const lackingBytes = leftToFetch(records, report, plan);
  if (lackingBytes === 0) return { isStored: true, lackingBytes };
  const kept = keptBytes(records, report, plan);
  const promised = (await browserEstimate())?.freeBytes;
  const remark = storageRemark(Math.max(0, plan.storedBytes - kept), promised, kept);
  return { isStored: true, lackingBytes, remark };
}
