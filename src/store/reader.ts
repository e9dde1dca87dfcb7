/** @file Reads tensors of a stored checkpoint, several reads in flight: storage answers faster that way. */
import { invalidArgument, modelFormat } from '../errors.ts';
import type { ChunkStore } from './checkpoint-store.ts';
import { Limiter } from './limiter.ts';
import type { CheckpointRecord, StoredPart } from './record.ts';

/** Four reads of this length in flight came within a few percent of the fastest that was measured. */
const READ_BYTES = 8 * 1024 * 1024;
const READS_IN_FLIGHT = 4;

interface Read {
  readonly hash: string;
  /** Byte range in the chunk. */
  readonly start: number;
  readonly end: number;
  /** Where the bytes go in the result. */
  readonly at: number;
}

export class CheckpointReader {
  readonly record: CheckpointRecord;
  readonly #store: Pick<ChunkStore, 'read'>;
  readonly #limiter: Limiter;

  /** @param options.readsInFlight At a time, over all tensors. */
  constructor(
    store: Pick<ChunkStore, 'read'>,
    record: CheckpointRecord,
    options: { readsInFlight?: number } = {},
  ) {
    this.#store = store;
    this.record = record;
    this.#limiter = new Limiter(options.readsInFlight ?? READS_IN_FLIGHT);
  }

  /**
   * All bytes of one part of a tensor, in a buffer of its own. Chunks are verified at their first use in the session.
   * @throws DamagedChunkError (`model-format`): repair the chunk that it names and read again.
   * @throws ZoetropeError `model-format` if there is no such tensor or part, or it is not stored yet.
   */
  readTensor(name: string, part = 'data'): Promise<Uint8Array<ArrayBuffer>> {
    const { byteLength, location } = this.#part(name, part);
    return this.#read({ name: part, byteLength, location }, 0, byteLength);
  }

  /**
   * All bytes of several parts of a tensor, one after another, in one buffer.
   * @throws As {@link readTensor}.
   */
  async readParts(name: string, parts: readonly string[]): Promise<Uint8Array<ArrayBuffer>> {
    const [only] = parts;
    if (only !== undefined && parts.length === 1) return this.readTensor(name, only);
    let length = 0;
    const reads: Read[] = [];
    for (const part of parts) {
      const found = this.#part(name, part);
      const before = length;
      length += found.byteLength;
      for (const read of planReads(found, 0, found.byteLength)) {
        reads.push({ ...read, at: read.at + before });
      }
    }
    return this.#gather(reads, length);
  }

  /**
   * Bytes `start … end − 1` of a part, such as single rows of a table.
   * @throws As {@link readTensor}, and `invalid-argument` for a range outside the part.
   */
  async readRange(
    name: string,
    part: string,
    start: number,
    end: number,
  ): Promise<Uint8Array<ArrayBuffer>> {
    const found = this.#part(name, part);
    if (!(start >= 0 && start <= end && end <= found.byteLength)) {
      throw invalidArgument(
        'range',
        `bytes ${start} to ${end} of ${name} (${part}), which has ${found.byteLength}.`,
        'Ask for bytes within the part.',
      );
    }
    return this.#read(found, start, end);
  }

  #part(name: string, part: string): StoredPart {
    const found = this.record.tensors.get(name)?.parts.find((candidate) => candidate.name === part);
    const stored = found?.location.reduce((sum, { length }) => sum + length, 0);
    if (!found || stored !== found.byteLength) {
      throw modelFormat(
        `The stored checkpoint ${this.record.id} has no tensor ${name} (${part})${found ? ' yet' : ''}.`,
        'Finish its import, or delete it and import it again.',
      );
    }
    return found;
  }

  async #read(part: StoredPart, start: number, end: number): Promise<Uint8Array<ArrayBuffer>> {
    const reads = planReads(part, start, end);
    const [only] = reads;
    if (only && reads.length === 1) return this.#limiter.run(() => this.#one(only));
    return this.#gather(reads, end - start);
  }

  async #gather(reads: readonly Read[], length: number): Promise<Uint8Array<ArrayBuffer>> {
    const bytes = new Uint8Array(length);
    await Promise.all(
      reads.map((read) => this.#limiter.run(async () => bytes.set(await this.#one(read), read.at))),
    );
    return bytes;
  }

  #one({ hash, start, end }: Read): Promise<Uint8Array<ArrayBuffer>> {
    return this.#store.read(hash, start, end);
  }
}

function planReads(part: StoredPart, start: number, end: number): Read[] {
  const reads: Read[] = [];
  let before = 0;
  for (const { hash, offset, length } of part.location) {
    const from = Math.max(start, before);
    const to = Math.min(end, before + length);
    for (let at = from; at < to; at += READ_BYTES) {
      const last = Math.min(to, at + READ_BYTES);
      const shift = offset - before;
      reads.push({ hash, start: at + shift, end: last + shift, at: at - start });
    }
    before += length;
  }
  return reads;
}
