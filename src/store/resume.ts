/** @file Where an interrupted import goes on, and whether it is the same import. */
import { invalidArgument } from '../errors.ts';
import type { CheckpointStore } from './checkpoint-store.ts';
import { ALIGNMENT, type CheckpointRecord, type TensorSpec } from './record.ts';

/** What must agree for an import to go on. */
export interface CheckpointIdentity {
  readonly id: string;
  readonly source: string;
  readonly revision: string;
  readonly format: string;
  /** Version of the format's layout. Absent: 1. */
  readonly formatVersion?: number;
  /** What sets it apart from the source's own; part of `id`. */
  readonly variant?: string;
}

/** The record to go on from: cut before the first chunk that the store no longer has. */
export async function resumable(
  store: CheckpointStore,
  record: CheckpointRecord,
  identity: CheckpointIdentity,
): Promise<CheckpointRecord> {
  const { id, source, revision, format, state } = record;
  if (state === 'complete') {
    throw invalidArgument(
      'id',
      `the checkpoint ${id} is complete.`,
      'Open it, or delete it first.',
    );
  }
  if (
    source !== identity.source ||
    revision !== identity.revision ||
    format !== identity.format ||
    (record.formatVersion ?? 1) !== (identity.formatVersion ?? 1)
  ) {
    throw invalidArgument(
      'id',
      `${id} names a half-made import of ${source} at ${revision} as ${format}.`,
      'Delete that import first, or use another id.',
    );
  }
  const present = await Promise.all(record.chunks.map(({ hash }) => store.has(hash)));
  const missing = present.indexOf(false);
  return missing < 0 ? record : { ...record, chunks: record.chunks.slice(0, missing) };
}

/** All that must agree when a tensor is appended again. */
export function describeSpec({ storage, dtype, shape, parts }: TensorSpec): string {
  const sizes = parts.map(({ name, byteLength }) => `${name} ${byteLength}`).join(', ');
  return `${storage} ${dtype}[${shape.join(', ')}] (${sizes})`;
}

/** Names of the tensors that lie wholly within the first `bytes` of the stream. */
export function tensorsWithin(tensors: Iterable<TensorSpec>, bytes: number): Set<string> {
  const names = new Set<string>();
  let end = 0;
  for (const { name, parts } of tensors) {
    for (const { byteLength } of parts) {
      end = Math.ceil(end / ALIGNMENT) * ALIGNMENT + byteLength;
    }
    if (end <= bytes) names.add(name);
  }
  return names;
}
