/** @file Records with one thing wrong, for tests. */
import * as fc from 'fast-check';

export const anyValue = fc.oneof(
  fc.constantFrom(null, true, -1, 0, 0.5, 17, 1e9, 1e15, 2 ** 53, 1e300, '', '__proto__', 'x', []),
  fc.constantFrom({}, [[]], [null], { length: 1e9 }, 'complete', 'importing'),
  fc.integer(),
  fc.string(),
);

/** The record with one value somewhere in it replaced, but for its id. @param place Any count. */
export function mutateRecord(record: object, place: number, value: unknown): object {
  const copy = structuredClone(record) as Record<string, unknown>;
  const { tensors } = copy;
  if (tensors instanceof Map) copy['tensors'] = [...(tensors as Map<string, unknown>)];
  const places: (() => void)[] = [];
  const visit = (holder: Record<string, unknown>): void => {
    for (const [key, present] of Object.entries(holder)) {
      if (holder === copy && key === 'id') continue;
      places.push(() => {
        holder[key] = value;
      });
      if (typeof present === 'object' && present !== null) {
        visit(present as Record<string, unknown>);
      }
    }
  };
  visit(copy);
  places[place % places.length]?.();
  const entries = copy['tensors'];
  const isMap = tensors instanceof Map && Array.isArray(entries);
  if (!isMap || !entries.every((entry) => Array.isArray(entry))) return copy;
  return { ...copy, tensors: new Map(entries as [unknown, unknown][]) };
}
