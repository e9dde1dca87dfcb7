/** @file `storage-full` of a load, in words for the user: how much of the model is kept, and the ways on. */
import { ZoetropeError } from '../errors.ts';
import { formatBytes } from '../format-bytes.ts';
import type { CheckpointStore } from '../store/checkpoint-store.ts';
import { ImportFullError } from '../weights/import-full.ts';
import type { Notice } from './api.ts';
import { groupModels, type StoredModel } from './stored-model.ts';

/** A model that is held in RAM is no larger than this: a browser gives a page little more. */
export const RAM_BYTES = 2 ** 30;

/** As many stored models are named as ways to make room. */
const NAMED = 3;

export interface ModelInStore {
  /** Bytes of the components before the one that failed, as they are stored. */
  readonly earlierBytes: number;
  /** Bytes of all components, as they are stored. */
  readonly totalBytes: number;
}

/** The error for the user; any other error stays as it is. */
export async function explainFullStorage(
  error: unknown,
  store: CheckpointStore | undefined,
  { earlierBytes, totalBytes }: ModelInStore,
): Promise<unknown> {
  if (!(error instanceof ImportFullError)) return error;
  const { where } = error;
  const others = store ? await otherModels(store, where.id) : [];
  const kept = Math.min(earlierBytes + where.keptBytes, totalBytes);
  const ways = error.hint.includes('private window')
    ? error.hint
    : `Make room, then load the model again: ${deleting(others)}free disk space. A browser profile with more room works too.` +
      (totalBytes <= RAM_BYTES ? ' Or load the model without keeping it (storage: false).' : '');
  return new ZoetropeError('storage-full', `${error.message} ${keptText(kept, totalBytes)}`, ways, {
    cause: error,
  });
}

/** Stored models besides the one that the record belongs to; none where they cannot be listed. */
async function otherModels(store: CheckpointStore, id: string): Promise<StoredModel[]> {
  const models = groupModels(await store.listRecords().catch(() => []));
  return models.filter(({ checkpointIds }) => !checkpointIds.includes(id));
}

function keptText(kept: number, total: number): string {
  if (kept === 0) return 'Nothing of the model is kept yet; other stored models are untouched.';
  return `${formatBytes(kept)} of the model’s ${formatBytes(total)} are kept: the next load resumes there.`;
}

function deleting(models: readonly StoredModel[]): string {
  if (models.length === 0) return '';
  const largest = models.toSorted((a, b) => b.bytes - a.bytes);
  const named = largest
    .slice(0, NAMED)
    .map(({ name, format, bytes }) => `${name} (${format}, ${formatBytes(bytes)})`);
  const rest = largest.length > NAMED ? `, and ${largest.length - NAMED} more` : '';
  return `delete stored models that you do not need, such as ${named.join(', ')}${rest}; or `;
}

const PROMPT_NOT_KEPT: Notice = {
  code: 'not-kept',
  message:
    'The storage is full, so the encoded prompt was not kept: a later visit encodes it again. Delete a stored model or free disk space to keep it.',
};

/** Once for all prompts of a pipeline. */
export function notePromptNotKept(notices: Notice[]): void {
  if (!notices.includes(PROMPT_NOT_KEPT)) notices.push(PROMPT_NOT_KEPT);
}
