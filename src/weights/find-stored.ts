/** @file Whether the store has a component already, and what is said when a stored copy turns out to be of no use. */
import type { CheckpointStore } from '../store/checkpoint-store.ts';
import type { CheckpointRecord } from '../store/record.ts';
import type { CheckpointIdentity } from '../store/resume.ts';
import type { WeightNeed } from './storage-format.ts';
import { misfit } from './stored-layout.ts';

/** Something that happened to stored weights that the user should know. */
export interface StorageNotice {
  readonly code: 'stored-again' | 'not-kept';
  readonly message: string;
}

export function storedAgain(source: string, problem: string): StorageNotice {
  return {
    code: 'stored-again',
    message: `The stored copy of ${source} ${problem}. What was missing has been fetched again.`,
  };
}

export function notKept(source: string): StorageNotice {
  return {
    code: 'not-kept',
    message:
      `The storage is full: a part of ${source} that had to be fetched again is in memory only. ` +
      'Free room, or it is fetched again next time.',
  };
}

export interface Found {
  /** Whole or in part; undefined: to be imported from the start. */
  readonly record?: CheckpointRecord;
  /** Chunks of a whole one that the storage has lost. */
  readonly missing: readonly string[];
}

/** What the store has of these tensors. What is of no use is removed, with a notice. */
export async function findStored(
  store: CheckpointStore,
  identity: CheckpointIdentity,
  needs: readonly WeightNeed[],
  { onNotice }: { onNotice?: (notice: StorageNotice) => void },
): Promise<Found> {
  const { id, source } = identity;
  const record = await store.openCheckpoint(id);
  const damaged = record ? undefined : await store.damagedCheckpoint(id);
  const missing = record ? await missingChunks(store, record) : [];
  const problem = record
    ? (otherSource(record, source) ?? misfit(record, identity, needs) ?? lossOf(record, missing))
    : damaged && `its record is damaged: ${damaged.problem}`;
  if (record && problem === undefined) return { record, missing };
  const twin = await twinOf(store, identity, needs);
  const other = twin ? undefined : await otherLayout(store, identity);
  const reason = problem ?? (other && misfit(other, identity, needs));
  if (reason !== undefined) onNotice?.(storedAgain(source, `cannot be used: ${reason}`));
  if (problem !== undefined) await store.deleteCheckpoint(id);
  return twin ?? { missing: [] };
}

/** An earlier version of the same files, or the same in another layout, is of no use any more. */
export async function deleteOutdated(
  store: CheckpointStore,
  { id, source, format, variant }: CheckpointIdentity,
): Promise<void> {
  for (const other of await store.listCheckpoints()) {
    const isOutdated =
      other.source === source && other.format === format && other.variant === variant;
    if (isOutdated && other.id !== id) await store.deleteCheckpoint(other.id);
  }
}

function otherSource(record: CheckpointRecord, source: string): string | undefined {
  return record.source === source ? undefined : 'its record is damaged: it names another source';
}

/** Why a sound record is better imported again: most of its chunks are gone. */
function lossOf({ chunks }: CheckpointRecord, missing: readonly string[]): string | undefined {
  return 2 * missing.length > chunks.length
    ? `the browser has dropped ${missing.length} of its ${chunks.length} chunks`
    : undefined;
}

/** Chunks of a whole import that are gone, each once. An import that was cut short finds its own when it resumes. */
async function missingChunks(
  store: CheckpointStore,
  { state, chunks }: CheckpointRecord,
): Promise<string[]> {
  if (state !== 'complete') return [];
  const hashes = [...new Set(chunks.map(({ hash }) => hash))];
  const has = await Promise.all(hashes.map((hash) => store.has(hash)));
  return hashes.filter((_, i) => has[i] !== true);
}

/** The same files in the layout of another release. */
async function otherLayout(
  store: CheckpointStore,
  { source, revision, format, variant, formatVersion = 1 }: CheckpointIdentity,
): Promise<CheckpointRecord | undefined> {
  return (await store.listCheckpoints()).find(
    (other) =>
      other.source === source &&
      other.revision === revision &&
      other.format === format &&
      other.variant === variant &&
      (other.formatVersion ?? 1) !== formatVersion,
  );
}

/** The same files, imported from elsewhere: another commit, a mirror. Only marks of contents tell. */
async function twinOf(
  store: CheckpointStore,
  identity: CheckpointIdentity,
  needs: readonly WeightNeed[],
): Promise<Found | undefined> {
  const { id, source, revision } = identity;
  if (!revision.split(' ').every((mark) => /^(git|sha256):/.test(mark))) return undefined;
  for (const other of await store.listCheckpoints()) {
    const isTwin =
      other.id !== id &&
      other.state === 'complete' &&
      other.source.split('/').at(-1) === source.split('/').at(-1) &&
      misfit(other, identity, needs) === undefined;
    if (!isTwin) continue;
    const missing = await missingChunks(store, other);
    if (lossOf(other, missing) !== undefined) continue;
    const record = await store.openCheckpoint(other.id);
    if (record) return { record, missing };
  }
  return undefined;
}
