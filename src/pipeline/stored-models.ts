/**
 * @file The models in the browser's storage: which there are, and deleting one. On the page's side, so that it answers
 * while the worker computes. The code that reads the list is loaded once something may be kept, and the store's when a
 * model is deleted.
 */
import type { CheckpointStore } from '../store/checkpoint-store.ts';
import { mayHaveDatabase } from '../store/database-name.ts';
import { isDamaged, type StoredRecord } from '../store/record.ts';
import type { CheckpointReport, MemoryPlan } from './api.ts';
import { groupModels, type StoredModel } from './stored-model.ts';

/**
 * All models that `storage: true` has kept, the last used first. A damaged one is listed as such.
 * @throws ZoetropeError `feature-missing` where there is no IndexedDB: some private windows, sandboxed frames;
 *   `storage-unavailable` where it cannot be used now, such as after a newer version of the page.
 */
export async function listStoredModels(): Promise<StoredModel[]> {
  return groupModels(await readRecords());
}

/**
 * Bytes that loading the model with `storage: true` would still fetch for a clip. Nobody is asked: parts are known by the
 * names under which they are kept.
 * @param checkpoint As `inspectCheckpoint` or a verdict has it. @param plan Of a clip of it, its text encoder included.
 * @throws ZoetropeError `feature-missing`, `storage-unavailable` as {@link listStoredModels}.
 */
export async function bytesToFetch(
  checkpoint: CheckpointReport,
  plan: MemoryPlan,
): Promise<number> {
  const sound = (await readRecords()).filter((record) => !isDamaged(record));
  const { leftToFetch } = await import('./left-to-fetch.ts');
  return leftToFetch(sound, checkpoint, plan);
}

/**
 * Frees what the model takes, but for components that another stored model shares. Does nothing if it is gone. Waits
 * while a tab imports the model. A pipeline that reads from it fails with `storage-lost`: dispose of it first.
 * @throws ZoetropeError `feature-missing`, `storage-unavailable`; the signal's reason if it aborts while waiting.
 */
export async function deleteStoredModel(
  model: StoredModel,
  options: { signal?: AbortSignal } = {},
): Promise<void> {
  const { openBrowserStore } = await import('../store/indexeddb-backend.ts');
  const store = await openBrowserStore();
  try {
    await deleteModel(store, model, options.signal);
  } finally {
    store.close();
  }
}

export async function listModels(store: CheckpointStore): Promise<StoredModel[]> {
  return groupModels(await store.listRecords());
}

export async function deleteModel(
  store: CheckpointStore,
  model: StoredModel,
  signal?: AbortSignal,
): Promise<void> {
  const others = (await listModels(store)).filter(
    ({ source, format, variant }) =>
      source !== model.source || format !== model.format || variant !== model.variant,
  );
  const shared = new Set(others.flatMap(({ checkpointIds }) => checkpointIds));
  for (const id of model.checkpointIds) {
    if (shared.has(id)) continue;
    await store.withImportLock(id, () => store.deleteCheckpoint(id), signal);
  }
}

async function readRecords(): Promise<StoredRecord[]> {
  if (!(await mayHaveDatabase())) return [];
  const { browserRecords } = await import('../store/browser-records.ts');
  return browserRecords();
}
