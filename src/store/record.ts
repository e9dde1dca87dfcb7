/**
 * @file What the store knows about a checkpoint: one record each. All tensors form one stream of bytes, every part of a
 * tensor aligned to 16 bytes, and the stream is cut into chunks of equal length. Locations therefore follow from the
 * order and the sizes of the tensors alone, which is what makes an import resumable and its result reproducible.
 */

/** Longest chunk, in bytes: 64 MB. */
export const MAX_CHUNK_BYTES = 64 * 1024 * 1024;
/** Every part starts at a multiple of this in the stream: enough for any typed array and for GPU copies. */
export const ALIGNMENT = 16;

/** Anything that survives JSON. */
export type Json =
  string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

/** Bytes `offset … offset + length − 1` of a chunk. */
export interface ChunkSlice {
  /** SHA-256 of the chunk, in lower-case hex. */
  readonly hash: string;
  readonly offset: number;
  readonly length: number;
}

/** One array of a tensor: the values themselves (`data`), or what a quantized format adds (`scales`, …). */
export interface StoredPart {
  readonly name: string;
  readonly byteLength: number;
  /** In order; shorter than `byteLength` in all while the import has not stored the rest. */
  readonly location: readonly ChunkSlice[];
}

/** What a tensor is, apart from where its bytes are. */
export interface TensorSpec {
  readonly name: string;
  /** How the values are stored: `f16`, `q8`, `q4`, … */
  readonly storage: string;
  /** Element type of the original tensor, as the checkpoint calls it. */
  readonly dtype: string;
  readonly shape: readonly number[];
  /** Arrays in the order in which they are stored. */
  readonly parts: readonly { readonly name: string; readonly byteLength: number }[];
}

export interface StoredTensor extends TensorSpec {
  readonly parts: readonly StoredPart[];
}

export interface StoredChunk {
  readonly hash: string;
  readonly byteLength: number;
}

/** Bytes of the chunk being filled that an import which was stopped has kept; the next commit replaces them. */
export interface StoredTail extends StoredChunk {
  /** Byte of the stream that they begin at. The tail is void unless the stored chunks end there. */
  readonly at: number;
}

export interface CheckpointRecord {
  readonly id: string;
  /** Where the checkpoint came from: a hub name, a URL, a folder. */
  readonly source: string;
  readonly revision: string;
  /** Label of the storage format as a whole: `f16`, `q8`, `q4`, … */
  readonly format: string;
  /** Version of that format's layout; absent, as in records of the first release, it is 1. */
  readonly formatVersion?: number;
  /** What sets it apart from the source's own, in words; absent if nothing does. */
  readonly variant?: string;
  readonly state: 'importing' | 'complete';
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  /** Milliseconds since the epoch. */
  readonly lastUsedAt: number;
  /** Bytes of all chunks stored so far, and of the tail. */
  readonly totalBytes: number;
  /** Length of every chunk but the last, in bytes. */
  readonly chunkBytes: number;
  /** In stream order. The same chunk may occur more than once. */
  readonly chunks: readonly StoredChunk[];
  /** Only while importing. */
  readonly tail?: StoredTail;
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  /** Configurations, tokenizer, and whatever else belongs to the checkpoint. */
  readonly metadata: Json;
  /** Counts commits, so that a writer notices when somebody else deleted or changed the record. */
  readonly version: number;
}

/** A record that fails its check, with what can still be read of it. */
export interface DamagedRecord {
  /** The key under which it is kept. */
  readonly id: string;
  readonly state: 'damaged';
  /** What is wrong with it. */
  readonly problem: string;
  readonly source?: string;
  readonly format?: string;
  readonly variant?: string;
  readonly lastUsedAt?: number;
  readonly totalBytes?: number;
  /** Chunks that it names; undefined if none can be read. */
  readonly hashes?: readonly string[];
}

export type StoredRecord = CheckpointRecord | DamagedRecord;

export function isDamaged(record: StoredRecord): record is DamagedRecord {
  return record.state === 'damaged';
}

/** A place in a chunk that a range of a tensor's part fills. */
export interface ChunkContent {
  readonly tensor: string;
  readonly part: string;
  /** Byte range in the part, end exclusive. */
  readonly start: number;
  readonly end: number;
  /** Where the range starts in the chunk, in bytes; bytes between ranges are zero. */
  readonly offset: number;
}

/** Whether all bytes of the tensor are in the store. */
export function isStored(tensor: StoredTensor): boolean {
  return tensor.parts.every(
    ({ byteLength, location }) =>
      location.reduce((sum, { length }) => sum + length, 0) === byteLength,
  );
}

/**
 * What a chunk is made of: enough to fetch and rebuild that chunk alone. Empty if the checkpoint does not use it.
 * Where equal chunks occur twice, the contents of all occurrences are listed; they agree byte for byte.
 */
export function chunkContents(record: CheckpointRecord, hash: string): ChunkContent[] {
  const contents: ChunkContent[] = [];
  for (const { name, parts } of record.tensors.values()) {
    for (const part of parts) {
      let start = 0;
      for (const slice of part.location) {
        const end = start + slice.length;
        if (slice.hash === hash) {
          contents.push({ tensor: name, part: part.name, start, end, offset: slice.offset });
        }
        start = end;
      }
    }
  }
  return contents;
}

/** The record as JSON text: maps become lists of entries. */
export function encodeRecord(record: CheckpointRecord): string {
  return JSON.stringify({ ...record, tensors: [...record.tensors] });
}

/** The tail, if the stored chunks end where it begins. A release that does not know tails can leave a void one. */
export function validTail({
  state,
  tail,
  chunks,
  chunkBytes,
}: CheckpointRecord): StoredTail | undefined {
  return state === 'importing' && tail?.at === chunks.length * chunkBytes ? tail : undefined;
}

/** Chunks of `record` that none of `others` uses, each once. */
export function unsharedChunks(record: StoredRecord, others: Iterable<StoredRecord>): string[] {
  const shared = referencedChunks(others);
  return [...referencedChunks([record])].filter((hash) => !shared.has(hash));
}

/** Every chunk that a record uses. A damaged one uses those that it still names. */
export function referencedChunks(records: Iterable<StoredRecord>): Set<string> {
  const hashes = new Set<string>();
  for (const record of records) {
    if (isDamaged(record)) for (const hash of record.hashes ?? []) hashes.add(hash);
    else {
      for (const { hash } of record.chunks) hashes.add(hash);
      if (record.tail) hashes.add(record.tail.hash);
    }
  }
  return hashes;
}

/**
 * Which of these chunks no record uses. None while a damaged record names no chunk at all: any of them may be its own,
 * and a later import of the same model can use them.
 */
export function orphanChunks(records: readonly StoredRecord[], hashes: Iterable<string>): string[] {
  if (records.some((record) => isDamaged(record) && record.hashes === undefined)) return [];
  const used = referencedChunks(records);
  return [...hashes].filter((hash) => !used.has(hash));
}
