/**
 * @file How much of a model the browser's storage lacks. Told by the names under which parts are kept, so that no machine
 * has to be asked: what is stored under another repository's name is not fetched again either, but is not known here.
 */
import { isVaried, variantOf } from '../families/variant.ts';
import type { CheckpointRecord } from '../store/record.ts';
import { formatVersion } from '../weights/storage-format.ts';
import type { CheckpointReport, ComponentSummary, MemoryPlan } from './api.ts';

/** Bytes that loading would still fetch, with `storage: true`, of what `plan` counts. */
export function leftToFetch(
  records: readonly Pick<
    CheckpointRecord,
    'source' | 'format' | 'formatVersion' | 'variant' | 'state'
  >[],
  { source: model, components, loras }: Pick<CheckpointReport, 'source' | 'components' | 'loras'>,
  { downloadBytes, storedFormats }: Pick<MemoryPlan, 'downloadBytes' | 'storedFormats'>,
): number {
  const own = variantOf(components, loras);
  const isStored = (component: ComponentSummary): boolean => {
    const { name, source } = component;
    const isOther = name === 'fast_decoder';
    const place = plain((isOther ? source : undefined) ?? `${model}/${name}`);
    const variant = isVaried(component, loras) ? own : undefined;
    return records.some(
      (record) =>
        record.state === 'complete' &&
        (record.formatVersion ?? 1) === formatVersion(record.format) &&
        plain(record.source) === place &&
        record.variant === variant &&
        (isOther || record.format === storedFormats[name]),
    );
  };
  const stored = components.filter(isStored);
  return stored.reduce((left, { bytes }) => Math.max(0, left - bytes), downloadBytes);
}

/** An address, however many slashes its parts were joined by. */
function plain(source: string): string {
  return source.replaceAll(/([^:/])\/{2,}/g, '$1/');
}
