/**
 * @file What a record says about the files that it was imported from: which they were, whether they were read whole and
 * compared with their hash, and where its tensors lie in them. It is kept in the record's metadata. Where that is damaged,
 * or of an import before files were noted, nothing is known of them.
 */
import { isRecord } from '../config/fields.ts';
import type { CheckpointRecord, Json } from './record.ts';

/**
 * - `whole`: read whole, and its hash is the one that the source lists.
 * - `compared`: the source lists no hash; what is kept was compared with the whole file later, and is the same.
 * - `ranges`: only ranges were read, and no hash tells whether they are right.
 * - `unknown`: the source lists no hash.
 */
export type FileState = 'whole' | 'compared' | 'ranges' | 'unknown';

const STATES: readonly unknown[] = ['whole', 'compared', 'ranges', 'unknown'] satisfies FileState[];

export interface CheckedFile {
  /** The name of the source that it is in. */
  readonly source: string;
  /** In the source. */
  readonly path: string;
  readonly size: number;
  /** What the source marked this version of the file with. */
  readonly mark: string;
  /** The commit of the hub's repository. */
  readonly commit?: string;
  readonly state: FileState;
  /** When `verify` last compared it, in milliseconds since the epoch. */
  readonly checkedAt?: number;
  /** First bytes of those of the record's tensors that are in it, in the record's order; null where something was merged. */
  readonly starts: readonly (number | null)[];
}

/** Empty if nothing is known. */
export function checkedFiles({ metadata }: Pick<CheckpointRecord, 'metadata'>): CheckedFile[] {
  if (!isRecord(metadata)) return [];
  const files: unknown = metadata['files'];
  return Array.isArray(files) && files.every(isCheckedFile) ? files : [];
}

/** The metadata with these files instead of its own. */
export function withFiles(metadata: Json, files: readonly CheckedFile[]): Json {
  const plain: Json = files.map(({ commit, checkedAt, ...file }) => ({
    ...file,
    ...(commit === undefined ? {} : { commit }),
    ...(checkedAt === undefined ? {} : { checkedAt }),
  }));
  return { ...(isRecord(metadata) ? metadata : {}), files: plain };
}

function isSize(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isCheckedFile(value: unknown): value is CheckedFile {
  if (!isRecord(value)) return false;
  const { source, path, size, mark, commit, state, checkedAt, starts } = value;
  return (
    [source, path, mark].every((text) => typeof text === 'string') &&
    (commit === undefined || (typeof commit === 'string' && /^[0-9a-f]{40}$/.test(commit))) &&
    isSize(size) &&
    (checkedAt === undefined || isSize(checkedAt)) &&
    STATES.includes(state) &&
    Array.isArray(starts) &&
    starts.every((start: unknown) => start === null || isSize(start))
  );
}
