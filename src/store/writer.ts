/**
 * @file Imports a checkpoint tensor by tensor, resumably. Each full chunk is stored at once, together with the record
 * that uses it; so a kill at any moment loses at most the chunk being filled, and an import that is stopped keeps that
 * too, as a tail. A resumed import appends the same tensors in the same order: bytes that are already stored are not
 * asked for again, and the rest falls where it would have.
 */
import { invalidArgument, modelFormat } from '../errors.ts';
import type { CheckpointStore } from './checkpoint-store.ts';
import { DamagedChunkError } from './failure.ts';
import {
  ALIGNMENT,
  type CheckpointRecord,
  type ChunkSlice,
  type Json,
  MAX_CHUNK_BYTES,
  type StoredChunk,
  type StoredTail,
  type StoredTensor,
  type TensorSpec,
  validTail,
} from './record.ts';
import { type CheckpointIdentity, describeSpec, resumable, tensorsWithin } from './resume.ts';
import { sha256 } from './sha256.ts';

/**
 * Gives bytes `start … byteLength − 1` of a tensor's part, whole or in pieces. Called for parts that are not stored, or
 * not wholly, one after another in order.
 */
export type PartBytes = (
  part: string,
  start: number,
) =>
  | Uint8Array<ArrayBuffer>
  | Promise<Uint8Array<ArrayBuffer>>
  | AsyncIterable<Uint8Array<ArrayBuffer>>;

interface OpenPart {
  readonly name: string;
  readonly byteLength: number;
  readonly location: ChunkSlice[];
}

export class CheckpointWriter {
  readonly #store: CheckpointStore;
  #record: CheckpointRecord;
  /** Tensors that the resumed record knew: what is appended must agree with them. */
  readonly #earlier: ReadonlyMap<string, StoredTensor>;
  readonly #tensors = new Map<string, TensorSpec & { readonly parts: readonly OpenPart[] }>();
  readonly #chunks: StoredChunk[];
  /** Bytes at the start of the stream that an earlier import has left: chunks, and a tail in the buffer. */
  readonly #resumedBytes: number;
  #tail: StoredTail | undefined;
  /** Slices of the chunk being filled: they get its hash once it is full. */
  #pending: { part: OpenPart; offset: number; length: number }[] = [];
  #buffer: Uint8Array<ArrayBuffer> | undefined;
  #note: (() => Json) | undefined;
  /** Bytes appended, stored or not. */
  #position = 0;
  #isBusy = false;
  /** While a chunk is being stored, or after that has failed, the buffer belongs to no known place. */
  #isFlushing = false;

  private constructor(
    store: CheckpointStore,
    record: CheckpointRecord,
    tail?: Uint8Array<ArrayBuffer>,
  ) {
    this.#store = store;
    this.#record = record;
    this.#earlier = record.tensors;
    this.#chunks = [...record.chunks];
    this.#resumedBytes = this.#flushed + (tail?.byteLength ?? 0);
    if (tail) {
      this.#tail = record.tail;
      this.#room().set(tail);
    }
  }

  /**
   * Starts an import or resumes one that was cut short. Call it within `store.withImportLock`.
   * @param options.chunkBytes Multiple of 16, at most 64 MB; a resumed import keeps its own.
   * @throws ZoetropeError `invalid-argument` if the checkpoint is complete, or `id` belongs to another one.
   */
  static async open(
    store: CheckpointStore,
    identity: CheckpointIdentity,
    options: { chunkBytes?: number; metadata?: Json } = {},
  ): Promise<CheckpointWriter> {
    const chunkBytes = options.chunkBytes ?? MAX_CHUNK_BYTES;
    if (!(chunkBytes >= ALIGNMENT && chunkBytes <= MAX_CHUNK_BYTES) || chunkBytes % ALIGNMENT) {
      throw invalidArgument(
        'chunkBytes',
        `${chunkBytes} is no multiple of ${ALIGNMENT} up to ${MAX_CHUNK_BYTES}.`,
        'Leave it out.',
      );
    }
    const found = await store.peekCheckpoint(identity.id);
    if (found) {
      const record = await resumable(store, found, identity);
      return new CheckpointWriter(store, record, await readTail(store, record));
    }
    const now = Date.now();
    const record: CheckpointRecord = {
      ...identity,
      chunkBytes,
      state: 'importing',
      createdAt: now,
      lastUsedAt: now,
      totalBytes: 0,
      chunks: [],
      tensors: new Map(),
      metadata: options.metadata ?? null,
      version: 1,
    };
    await store.commit(record);
    return new CheckpointWriter(store, record);
  }

  /** Names of the tensors that an earlier, interrupted import stored wholly. */
  get storedTensors(): ReadonlySet<string> {
    return tensorsWithin(this.#earlier.values(), this.#resumedBytes);
  }

  /** Bytes of the stream that are in the store for good. */
  get storedBytes(): number {
    return this.#storedWith(this.#tail);
  }

  /**
   * Stores what the chunk being filled holds, so that a later import resumes there. For an import that has stopped, by a
   * failure of `append` or between two calls; the writer is of no use afterwards. Does nothing after a failed write.
   */
  async keepTail(): Promise<void> {
    this.#isBusy = true;
    const byteLength = this.#position - this.#flushed;
    if (this.#isFlushing || byteLength <= 0 || this.#position <= this.#resumedBytes) return;
    const bytes = this.#room().subarray(0, byteLength);
    const tail = { hash: await sha256(bytes), byteLength, at: this.#flushed };
    await this.#commit({ tail }, bytes);
    this.#tail = tail;
  }

  /**
   * Appends one tensor. A resumed import appends every tensor again, stored ones too, in the same order.
   * @throws ZoetropeError `storage-full`: what is stored stays, and the import can be resumed later.
   * @throws ZoetropeError `invalid-argument` if the tensor is not the one that the interrupted import had here.
   */
  async append(spec: TensorSpec, bytes: PartBytes): Promise<void> {
    if (this.#isBusy) {
      throw invalidArgument(
        'spec',
        `${spec.name} was appended while another tensor was being written, or after a failure.`,
        'Await each append; after a failure, open a new writer.',
      );
    }
    // Stays set after a failure: what the buffer holds by then is in no defined state.
    this.#isBusy = true;
    this.#checkSpec(spec);
    const { name, storage, dtype } = spec;
    const shape = [...spec.shape];
    const parts = spec.parts.map((part): OpenPart => ({
      name: part.name,
      byteLength: part.byteLength,
      location: [],
    }));
    this.#tensors.set(name, { name, storage, dtype, shape, parts });
    for (const part of parts) {
      await this.#align();
      const stored = this.#skipStored(part);
      if (stored < part.byteLength) await this.#writePart(name, part, stored, bytes);
    }
    this.#isBusy = false;
  }

  /** Replaces the metadata that `open` was given, with every chunk that is stored from now on. */
  note(metadata: () => Json): void {
    this.#note = metadata;
  }

  /**
   * Stores the last chunk and marks the checkpoint complete.
   * @param options.metadata Replaces what `open` was given.
   * @throws ZoetropeError `storage-full`, or `invalid-argument` if tensors of the interrupted import were left out.
   */
  async finish(options: { metadata?: Json } = {}): Promise<CheckpointRecord> {
    if (this.#isBusy) throw this.#mismatch('an append has failed or is not over');
    const left = [...this.#earlier.keys()].find((name) => !this.#tensors.has(name));
    if (left !== undefined) throw this.#mismatch(`it had a tensor ${left}`);
    this.#isBusy = true;
    const metadata = options.metadata ?? this.#note?.() ?? this.#record.metadata;
    await this.#flush({ state: 'complete', metadata });
    this.#buffer = undefined;
    return this.#record;
  }

  #checkSpec(spec: TensorSpec): void {
    const { name, parts } = spec;
    if (this.#tensors.has(name)) throw this.#mismatch(`the tensor ${name} came twice`);
    const names = new Set(parts.map((part) => part.name));
    if (names.size !== parts.length) throw this.#mismatch(`two parts of ${name} share a name`);
    for (const part of parts) {
      if (!Number.isSafeInteger(part.byteLength) || part.byteLength < 0) {
        throw this.#mismatch(`${name} (${part.name}) has ${part.byteLength} bytes`);
      }
    }
    const earlier = this.#earlier.get(name);
    if (earlier && describeSpec(earlier) !== describeSpec(spec)) {
      throw this.#mismatch(`${name} was ${describeSpec(earlier)}, not ${describeSpec(spec)}`);
    }
    const expected = [...this.#earlier.keys()][this.#tensors.size];
    if (expected !== undefined && expected !== name) {
      throw this.#mismatch(`the tensor here was ${expected}, not ${name}`);
    }
  }

  #storedWith(tail: StoredTail | undefined): number {
    return this.#chunks.reduce((sum, { byteLength }) => sum + byteLength, tail?.byteLength ?? 0);
  }

  #mismatch(problem: string): Error {
    return invalidArgument(
      'spec',
      `the import of ${this.#record.id} cannot continue: ${problem}.`,
      'Append the same tensors in the same order, or delete the checkpoint and start over.',
    );
  }

  /** Bytes in the store: all chunks are full until the import is finished. */
  get #flushed(): number {
    return this.#chunks.length * this.#record.chunkBytes;
  }

  async #align(): Promise<void> {
    const padding = -this.#position & (ALIGNMENT - 1);
    const misaligned = this.#position % ALIGNMENT;
    if (misaligned === 0) return;
    // A chunk is a multiple of the alignment long, so padding never crosses into the next one.
    const offset = this.#position % this.#record.chunkBytes;
    if (this.#position >= this.#flushed) this.#room().fill(0, offset, offset + padding);
    this.#position += padding;
    if (offset + padding === this.#record.chunkBytes) await this.#flushIfFull();
  }

  /** Gives a part the locations that follow from the layout, as far as chunks are stored. @returns Bytes stored. */
  #skipStored(part: OpenPart): number {
    const { chunkBytes } = this.#record;
    let stored = 0;
    while (stored < part.byteLength && this.#position < this.#resumedBytes) {
      const offset = this.#position % chunkBytes;
      const hash = this.#chunks[Math.floor(this.#position / chunkBytes)]?.hash;
      const room = hash === undefined ? this.#resumedBytes - this.#position : chunkBytes - offset;
      const length = Math.min(part.byteLength - stored, room);
      if (hash === undefined) this.#pending.push({ part, offset, length });
      else part.location.push({ hash, offset, length });
      stored += length;
      this.#position += length;
    }
    return stored;
  }

  async #writePart(name: string, part: OpenPart, start: number, bytes: PartBytes): Promise<void> {
    const given = await bytes(part.name, start);
    let total = start;
    const take = async (piece: Uint8Array<ArrayBuffer>): Promise<void> => {
      total += piece.byteLength;
      if (total <= part.byteLength) await this.#write(part, piece);
    };
    if (given instanceof Uint8Array) await take(given);
    else for await (const piece of given) await take(piece);
    if (total !== part.byteLength) {
      throw modelFormat(
        `Tensor ${name} (${part.name}) has ${total} bytes, expected ${part.byteLength}.`,
        'The source was cut short or has changed: fetch it again.',
      );
    }
  }

  async #write(part: OpenPart, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    let done = 0;
    while (done < bytes.byteLength) {
      const offset = this.#position % this.#record.chunkBytes;
      const length = Math.min(bytes.byteLength - done, this.#record.chunkBytes - offset);
      this.#room().set(bytes.subarray(done, done + length), offset);
      const last = this.#pending.at(-1);
      if (last?.part === part) last.length += length;
      else this.#pending.push({ part, offset, length });
      done += length;
      this.#position += length;
      await this.#flushIfFull();
    }
  }

  /** The chunk being filled; one buffer serves all. */
  #room(): Uint8Array<ArrayBuffer> {
    this.#buffer ??= new Uint8Array(this.#record.chunkBytes);
    return this.#buffer;
  }

  async #flushIfFull(): Promise<void> {
    if (this.#position - this.#flushed === this.#record.chunkBytes) await this.#flush({});
  }

  async #flush(change: { state?: 'complete'; metadata?: Json }): Promise<void> {
    this.#isFlushing = true;
    const tail = this.#tail;
    const filled = Math.max(0, this.#position - this.#flushed);
    const bytes = filled > 0 ? this.#room().subarray(0, filled) : undefined;
    if (bytes) {
      const hash = await sha256(bytes);
      for (const { part, offset, length } of this.#pending) {
        part.location.push({ hash, offset, length });
      }
      this.#pending = [];
      this.#chunks.push({ hash, byteLength: filled });
    }
    this.#tail = undefined;
    try {
      await this.#commit(change, bytes);
    } catch (error) {
      // The store has what it had before: `storedBytes` must not count more.
      if (bytes) this.#chunks.pop();
      this.#tail = tail;
      throw error;
    }
    this.#isFlushing = false;
  }

  async #commit(
    change: Partial<Pick<CheckpointRecord, 'state' | 'metadata' | 'tail'>>,
    bytes: Uint8Array<ArrayBuffer> | undefined,
  ): Promise<void> {
    const { tail: _, ...before } = this.#record;
    const record: CheckpointRecord = {
      ...before,
      ...(this.#note ? { metadata: this.#note() } : {}),
      ...change,
      lastUsedAt: Date.now(),
      totalBytes: this.#storedWith(change.tail),
      chunks: [...this.#chunks],
      tensors: structuredClone(this.#tensors),
      version: this.#record.version + 1,
    };
    await this.#store.commit(record, bytes);
    this.#record = record;
  }
}

/** The tail's bytes; undefined if there is none, or the store has lost it. */
async function readTail(
  store: CheckpointStore,
  record: CheckpointRecord,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const tail = validTail(record);
  if (!tail) return undefined;
  try {
    return await store.read(tail.hash, 0, tail.byteLength);
  } catch (error) {
    if (error instanceof DamagedChunkError) return undefined;
    throw error;
  }
}
