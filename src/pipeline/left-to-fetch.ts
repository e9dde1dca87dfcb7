/**
 * @file How much of a model the browser's storage lacks. Told by the names under which parts are kept, so that no machine
 * has to be asked: what is stored under another repository's name is not fetched again either, but is not known here.
 */
import { isVaried, variantOf } from '../families/variant.ts';
import type { CheckpointRecord } from '../store/record.ts';
import { formatVersion } from '../weights/storage-format.ts';
import type { CheckpointReport, ComponentSummary, MemoryPlan } from './api.ts';

type KeptRecord = Pick<
  CheckpointRecord,
  'source' | 'format' | 'formatVersion' | 'variant' | 'state' | 'totalBytes'
>;
type ModelParts = Pick<CheckpointReport, 'source' | 'components' | 'loras'>;

/** Bytes that loading would still fetch, with `storage: true`, of what `plan` counts. */
export function leftToFetch(
  records: readonly Omit<KeptRecord, 'totalBytes'>[],
  model: ModelParts,
  plan: Pick<MemoryPlan, 'downloadBytes' | 'storedFormats'>,
): number {
  const whole = records.filter(({ state }) => state === 'complete');
  const stored = model.components.filter((component) => whole.some(isOf(component, model, plan)));
  return stored.reduce((left, { bytes }) => Math.max(0, left - bytes), plan.downloadBytes);
}

/** Bytes in storage of what `plan` counts, whole or of an import that was cut short. */
export function keptBytes(
  records: readonly KeptRecord[],
  model: ModelParts,
  plan: Pick<MemoryPlan, 'storedFormats'>,
): number {
  const kept = new Set(
    model.components.flatMap((component) => records.filter(isOf(component, model, plan))),
  );
  return [...kept].reduce((sum, { totalBytes }) => sum + totalBytes, 0);
}

/** Whether a record holds the component as the plan wants it. */
function isOf(
  component: ComponentSummary,
  { source: model, components, loras }: ModelParts,
  { storedFormats }: Pick<MemoryPlan, 'storedFormats'>,
): (record: Omit<KeptRecord, 'totalBytes'>) => boolean {
  const { name, source } = component;
  const isOther = name === 'fast_decoder';
  const place = plain((isOther ? source : undefined) ?? `${model}/${name}`);
  const variant = isVaried(component, loras) ? variantOf(components, loras) : undefined;
  return (record) =>
    (record.formatVersion ?? 1) === formatVersion(record.format) &&
    plain(record.source) === place &&
    record.variant === variant &&
    (isOther || record.format === storedFormats[name]);
}

/** An address, however many slashes its parts were joined by. */
function plain(source: string): string {
  return source.replaceAll(/([^:/])\/{2,}/g, '$1/');
}
