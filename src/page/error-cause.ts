/** @file What an error on the page is about: with its cause it goes. */
import { type ErrorCode, ZoetropeError } from '../errors.ts';
import { offendingOption } from './fixes.ts';
import { fieldOf } from './settings.ts';

/** What failed: a run, a look at a model, saving, a clip of the history, a folder that was chosen. */
export type ErrorOwner = 'run' | 'model' | 'save' | 'clip' | 'folder';

/** Ids of the fields that may be the cause where a run's error names none. */
const FIELDS: Readonly<Partial<Record<ErrorCode, string>>> = {
  'out-of-memory':
    'model width height num-frames guidance-scale max-sequence-length device dtype memory weights ram guidance tile decode storage',
  'webgpu-unavailable': 'device',
  'feature-missing': 'device dtype',
  'storage-full': 'storage',
  'storage-unavailable': 'storage',
  network: 'model revision token',
};

/** The field that an error names. */
export function namedField(error: unknown): HTMLElement | undefined {
  const option = offendingOption(error);
  return option === undefined ? undefined : fieldOf(option);
}

/** Whether a field that may be the cause has changed since: by typing, or by a button that fills it. */
export function changeOfCause(error: unknown, owner: ErrorOwner): () => boolean {
  const named = namedField(error);
  const fields = named ? [named] : fieldsOf(error, owner);
  const before = fields.map(valueOf);
  return () => fields.some((field, index) => valueOf(field) !== before[index]);
}

function fieldsOf(error: unknown, owner: ErrorOwner): HTMLElement[] {
  if (owner !== 'run' || !(error instanceof ZoetropeError)) return [];
  const ids = FIELDS[error.code]?.split(' ') ?? [];
  return ids.flatMap((id) => document.getElementById(id) ?? []);
}

function valueOf(field: HTMLElement): string | boolean {
  if (field instanceof HTMLInputElement && field.type === 'checkbox') return field.checked;
  return field instanceof HTMLInputElement ||
    field instanceof HTMLTextAreaElement ||
    field instanceof HTMLSelectElement
    ? field.value
    : '';
}
