/** @file Takes the end of a stored checkpoint away, so that the next import fetches it again. */
import type { CheckpointStore } from './checkpoint-store.ts';
import { ALIGNMENT, type CheckpointRecord, type StoredPart, type StoredTensor } from './record.ts';

/**
 * Nothing of this tensor, and of those after it, stays in the record: what is left is an import that was cut short. Call it
 * within `store.withImportLock`. Chunks that are no longer used go at the next `collectGarbage`.
 */
export async function cutBefore(
  store: CheckpointStore,
  id: string,
  tensor: string,
): Promise<CheckpointRecord | undefined> {
  const record = await store.peekCheckpoint(id);
  if (!record) return undefined;
  const start = startOf(record, tensor);
  const whole = Math.floor(start / record.chunkBytes);
  const chunks = record.chunks.slice(0, whole);
  const totalBytes = chunks.reduce((sum, { byteLength }) => sum + byteLength, 0);
  const tensors = tensorsUpTo(totalBytes, record);
  const { version, tail: _, ...rest } = record;
  const cut: CheckpointRecord = {
    ...rest,
    state: 'importing',
    chunks,
    totalBytes,
    tensors,
    version: version + 1,
  };
  await store.commit(cut);
  return cut;
}

/** The tensors that `totalBytes` bytes of the stream belong to, with the locations that lie in them. */
function tensorsUpTo(totalBytes: number, record: CheckpointRecord): Map<string, StoredTensor> {
  const kept = new Map<string, StoredTensor>();
  let end = 0;
  for (const [name, tensor] of record.tensors) {
    if (end >= totalBytes) break;
    const parts = tensor.parts.map((part): StoredPart => {
      let at = aligned(end);
      end = at + part.byteLength;
      const location = part.location.filter(({ length }) => {
        at += length;
        // A slice lies in one chunk, and only whole chunks are kept.
        return at <= totalBytes;
      });
      return { ...part, location };
    });
    kept.set(name, { ...tensor, parts });
  }
  return kept;
}

/** Where the tensor begins in the stream; its end if the record does not know the tensor yet. */
function startOf({ tensors, chunkBytes, chunks }: CheckpointRecord, tensor: string): number {
  let end = 0;
  for (const { name, parts } of tensors.values()) {
    if (name === tensor) return aligned(end);
    for (const { byteLength } of parts) end = aligned(end) + byteLength;
  }
  return chunks.length * chunkBytes;
}

function aligned(position: number): number {
  return Math.ceil(position / ALIGNMENT) * ALIGNMENT;
}
