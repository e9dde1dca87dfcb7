/**
 * @file A component's tensors in the store, read when a stage needs them: the browser's version of CPU offload. An import
 * that was cut short goes on where it stopped, and a chunk that the storage has damaged is fetched again by itself.
 */
import { isAbortError, ZoetropeError } from '../errors.ts';
import type { WeightInput } from '../graph/types.ts';
import type { CheckpointStore } from '../store/checkpoint-store.ts';
import { checkedFiles, withFiles } from '../store/checked-files.ts';
import { cutBefore } from '../store/cut.ts';
import { DamagedChunkError, RecordChangedError, storageLost } from '../store/failure.ts';
import { HeldChunks } from '../store/held-chunks.ts';
import { CheckpointReader } from '../store/reader.ts';
import { type CheckpointRecord, chunkContents, type Json } from '../store/record.ts';
import type { CheckpointIdentity } from '../store/resume.ts';
import { sha256 } from '../store/sha256.ts';
import { CheckpointWriter } from '../store/writer.ts';
import type { ComponentFiles } from './component.ts';
import type { ComponentWeights } from './component-weights.ts';
import { bindWeight, toFloat32, type WeightData } from './convert.ts';
import { ConvertAhead } from './convert-ahead.ts';
import { FileChecks } from './file-checks.ts';
import { FileMismatch, refetching } from './file-mismatch.ts';
import { type FullImport, sayingWhere } from './import-full.ts';
import { NotedFiles } from './noted-files.ts';
import { inFileOrder, ReadAhead } from './read-ahead.ts';
import type { FilesAt, ReadOptions } from './source.ts';
import {
  convertPiece,
  fetchedBytes,
  formatOf,
  formatVersion,
  partsOf,
  piecesOf,
  rowsPerPiece,
  sourceBytes,
  storedBytes,
  storedDtype,
  type WeightNeed,
} from './storage-format.ts';
import {
  deleteOutdated,
  findStored,
  notKept,
  storedAgain,
  type StorageNotice,
} from './find-stored.ts';
import { partName, sourceBytesWithin, specOf } from './stored-layout.ts';

export interface ImportOptions extends ReadOptions {
  /** Longest chunk: see `CheckpointWriter.open`. */
  chunkBytes?: number;
  /** Also called after the weights were opened, when a read finds something missing. */
  onNotice?: (notice: StorageNotice) => void;
  /** Called when an import stops early: bytes of those that `onBytes` has reported which are kept. */
  onKept?: (bytes: number) => void;
}

/** What a component is that is not just the files of its checkpoint. */
export interface Origin {
  /** The checkpoint's component that it stands for. */
  readonly source: string;
  /** What sets it apart from that, in words. */
  readonly variant: string;
  /** Files that it is made of besides its own. */
  readonly madeOf: readonly FilesAt[];
}

/**
 * What a kill loses is the chunk that was being filled and what was read ahead for it: together less than 64 MB, in
 * chunks that are as fast to read as longer ones.
 */
const CHUNK_BYTES = 32 * 1024 * 1024;

export class StoredWeights implements ComponentWeights {
  readonly ramBytes = 0;
  readonly identity: string;
  readonly #store: CheckpointStore;
  readonly #files: ComponentFiles;
  readonly #needs: ReadonlyMap<string, WeightNeed>;
  readonly #reader: CheckpointReader;
  readonly #held: HeldChunks;
  readonly #repairs = new Map<string, Promise<void>>();
  readonly #onNotice: ImportOptions['onNotice'];
  #hasNotified = false;

  private constructor(
    store: CheckpointStore,
    files: ComponentFiles,
    needs: readonly WeightNeed[],
    record: CheckpointRecord,
    { onNotice }: ImportOptions,
  ) {
    this.#store = store;
    this.#files = files;
    this.#needs = new Map(needs.map((need) => [need.name, need]));
    this.#held = new HeldChunks(store);
    this.#reader = new CheckpointReader(this.#held, record);
    this.#onNotice = onNotice;
    this.identity = record.id;
  }

  /**
   * Opens what the store has of the component, importing what it lacks. Other tabs that want the same wait for this one.
   * @throws ImportFullError (`storage-full`) when a write finds no more room: what is stored by then is kept.
   * @throws ZoetropeError `feature-missing` if the server does not tell one version of a file from another;
   *   `storage-lost` if the storage is cleared meanwhile.
   */
  static async open(
    store: CheckpointStore,
    files: ComponentFiles,
    unordered: readonly WeightNeed[],
    options?: ImportOptions & { origin?: Origin },
  ): Promise<StoredWeights> {
    const needs = unordered.toSorted(inFileOrder);
    const {
      source = `${files.source.name}/${files.folder}`,
      variant,
      madeOf = [],
    } = options?.origin ?? {};
    const revision = await revisionOf(files, needs, madeOf, options);
    const format = formatOf(needs);
    const version = formatVersion(format);
    // Marks of many files are long, and some places to store have room for 255 characters.
    const mark = await sha256(new TextEncoder().encode(`${revision}\n${variant ?? ''}`));
    const id = `${source}@${mark.slice(0, 32)}#${format}${version === 1 ? '' : `.${version}`}`;
    const identity: CheckpointIdentity = {
      id,
      source,
      revision,
      format,
      formatVersion: version,
      ...(variant === undefined ? {} : { variant }),
    };
    const opening = { ...options, chunkBytes: options?.chunkBytes ?? CHUNK_BYTES };
    return store.withImportLock(
      id,
      async () => {
        const { record: found, missing } = await findStored(store, identity, needs, opening);
        if (found?.state === 'complete') {
          const weights = new StoredWeights(store, files, needs, found, opening);
          await weights.#fetchMissing(missing, opening);
          opening.onBytes?.(
            needs.reduce((sum, need) => sum + fetchedBytes(need), 0),
            true,
          );
          return weights;
        }
        const noted = await NotedFiles.open(files, needs, madeOf, options);
        const record = await refetching(
          () => importComponent(store, identity, files, needs, { ...opening, noted }),
          async ({ path }) => {
            const first = needs.find(({ tensor }) => tensor.file === path);
            if (first) await cutBefore(store, id, first.name);
          },
        );
        await deleteOutdated(store, identity);
        return new StoredWeights(store, files, needs, record, opening);
      },
      options?.signal,
    );
  }

  async get(prefix: string, weight: WeightInput): Promise<WeightData> {
    const need = this.#need(prefix + weight.source);
    const part = typeof weight.packing === 'string' ? 'data' : weight.packing.part;
    const names = piecesOf(need).map((piece) => partName(part, piece));
    const bytes = await this.#repairing(() => this.#reader.readParts(need.name, names));
    return bindWeight(weight, storedDtype(need), bytes, need.name);
  }

  async row(name: string, index: number, columns: number): Promise<Float32Array<ArrayBuffer>> {
    const need = this.#need(name);
    const dtype = storedDtype(need);
    const rowBytes = columns * (dtype === 'F32' ? 4 : 2);
    const each = rowsPerPiece(need);
    const part = partName('data', { index: Math.floor(index / each) });
    const start = (index % each) * rowBytes;
    const bytes = await this.#repairing(() =>
      this.#reader.readRange(name, part, start, start + rowBytes),
    );
    return toFloat32(name, dtype, bytes);
  }

  #need(name: string): WeightNeed {
    const need = this.#needs.get(name);
    if (!need) throw new Error(`${name} was not asked for when the weights were opened`);
    return need;
  }

  /** The storage lost or changed a chunk: what it was made of is fetched again, and the read is tried again. */
  async #repairing<T>(read: () => Promise<T>): Promise<T> {
    const repaired = new Set<string>();
    for (;;) {
      try {
        return await read();
      } catch (error) {
        if (!(error instanceof DamagedChunkError) || repaired.has(error.hash)) throw error;
        const { hash } = error;
        repaired.add(hash);
        await this.#checkStored(error);
        this.#notify('was damaged or missing in part');
        let repair = this.#repairs.get(hash);
        if (!repair) {
          repair = this.#repair(hash).finally(() => this.#repairs.delete(hash));
          this.#repairs.set(hash, repair);
        }
        await repair;
      }
    }
  }

  /** @throws ZoetropeError `storage-lost` if all that was stored is gone: repairs of a chunk each would not end. */
  async #checkStored(cause: unknown): Promise<void> {
    const { id, source } = this.#reader.record;
    if (await this.#store.peekCheckpoint(id)) return;
    throw storageLost(`The stored copy of ${source} is gone`, cause);
  }

  /** Once: a damaged disk may damage many chunks. */
  #notify(problem: string): void {
    if (this.#hasNotified) return;
    this.#hasNotified = true;
    this.#onNotice?.(storedAgain(this.#reader.record.source, problem));
  }

  /** Fetches chunks that the store has lost. */
  async #fetchMissing(missing: readonly string[], { signal }: ImportOptions): Promise<void> {
    if (missing.length === 0) return;
    this.#notify(`lacked ${missing.length} of its ${this.#reader.record.chunks.length} chunks`);
    for (const hash of missing) {
      signal?.throwIfAborted();
      await this.#repair(hash, signal);
    }
  }

  async #repair(hash: string, signal?: AbortSignal): Promise<void> {
    const { record } = this.#reader;
    const length = record.chunks.find((chunk) => chunk.hash === hash)?.byteLength ?? 0;
    const contents = chunkContents(record, hash).map(({ tensor, part, ...range }) => {
      const [name, index] = part.split('.');
      const piece = piecesOf(this.#need(tensor))[Number(index)];
      if (!piece) throw new Error(`${tensor} has no part ${part}`);
      return { piece, slot: partsOf(piece).findIndex((each) => each.name === name), ...range };
    });
    const bytes = new Uint8Array(length);
    const reads = new ReadAhead(
      this.#files.source,
      contents.map(({ piece }) => piece),
      signal ? { signal } : {},
    );
    for (const [i, { piece, slot, start, end, offset }] of contents.entries()) {
      const part = (await convertPiece(piece, await reads.take(i)))[slot];
      if (part) bytes.set(part.subarray(start, end), offset);
    }
    const isFirst = this.#held.isEmpty;
    const isStored = await this.#held.repair(hash, bytes);
    if (!isStored && isFirst) this.#onNotice?.(notKept(record.source));
  }
}

type ComponentImportOptions = ImportOptions & {
  readonly chunkBytes: number;
  readonly noted: NotedFiles;
};

/**
 * Imports what the store lacks of a component. An import that stops early keeps what it has.
 * @throws FileMismatch if a file was read whole and is not the one that is listed. Progress is then taken back.
 * @throws ImportFullError (`storage-full`). @throws ZoetropeError `storage-lost` if the record is gone meanwhile.
 */
async function importComponent(
  store: CheckpointStore,
  identity: CheckpointIdentity,
  files: ComponentFiles,
  needs: readonly WeightNeed[],
  { noted, chunkBytes, onBytes, ...options }: ComponentImportOptions,
): Promise<CheckpointRecord> {
  let reported = 0;
  let hasStopped = false;
  const count: ImportOptions['onBytes'] = (bytes, isKept) => {
    // Reads that were on their way are of no more use.
    if (hasStopped) return;
    reported += bytes;
    onBytes?.(bytes, isKept);
  };
  const earlier = (await store.peekCheckpoint(identity.id))?.metadata ?? null;
  const checks = new FileChecks(files, options);
  const metadata = (): Json =>
    withFiles(earlier, noted.files(checkedFiles({ metadata: earlier }), checks.states));
  const totalBytes = needs.reduce((sum, need) => sum + storedBytes(need), 0);
  let file = needs[0]?.tensor.file ?? files.folder;
  const where = (keptBytes: number): FullImport => {
    const { id } = identity;
    return { id, source: files.source.name, file, keptBytes, totalBytes };
  };
  const writer = await sayingWhere(
    () => where(0),
    () => CheckpointWriter.open(store, identity, { chunkBytes, metadata: metadata() }),
  );
  writer.note(metadata);
  const importing = { ...options, chunkBytes, checks, onBytes: count };
  try {
    return await sayingWhere(
      () => where(Math.min(writer.storedBytes, totalBytes)),
      async () => {
        await importPieces(writer, files, needs, importing, (next) => {
          file = next;
        });
        await checks.finish();
        return writer.finish();
      },
    );
  } catch (error) {
    hasStopped = true;
    if (error instanceof FileMismatch) {
      onBytes?.(-reported, true);
      throw error;
    }
    if (error instanceof RecordChangedError) {
      throw storageLost(`The import of ${identity.source} cannot continue`, error);
    }
    // Bytes that another failure is about are in doubt.
    const isSound =
      isAbortError(error) || (error instanceof ZoetropeError && error.code === 'network');
    // Without room for it the chunk is fetched again: the failure to report is the one that stopped the import.
    if (isSound) await writer.keepTail().catch(() => undefined);
    options.onKept?.(sourceBytesWithin(needs, writer.storedBytes));
    throw error;
  } finally {
    checks.close();
  }
}

async function importPieces(
  writer: CheckpointWriter,
  files: ComponentFiles,
  needs: readonly WeightNeed[],
  options: ImportOptions & { checks: FileChecks },
  onFile: (path: string) => void,
): Promise<void> {
  const pieces = needs.flatMap(piecesOf);
  const reads = new ReadAhead(files.source, pieces, options, options.chunkBytes);
  const conversions = new ConvertAhead(pieces, reads, options);
  let next = 0;
  let skipped = 0;
  for (const need of needs) {
    onFile(need.tensor.file);
    const own = piecesOf(need);
    const first = next;
    next += own.length;
    const converted = new Map<string, Uint8Array<ArrayBuffer>>();
    const { name } = need;
    await writer.append(specOf(need), async (part, start) => {
      if (!converted.has(part)) {
        const piece = own[Number(part.split('.')[1])];
        if (!piece) throw new Error(`${name} has no part ${part}`);
        // What an earlier import stored counts as done.
        for (; skipped < first + piece.index; skipped++) {
          const piece = pieces[skipped];
          if (piece) options.onBytes?.(sourceBytes(piece), true);
        }
        skipped = first + piece.index + 1;
        converted.clear();
        const arrays = await conversions.take(first + piece.index);
        for (const [i, each] of partsOf(piece).entries()) {
          const bytes = arrays[i];
          if (bytes) converted.set(partName(each.name, piece), bytes);
        }
      }
      return converted.get(part)?.subarray(start) ?? new Uint8Array();
    });
  }
}

/** One mark for the versions of all files that hold the tensors, or what is added to them. */
async function revisionOf(
  files: ComponentFiles,
  needs: readonly WeightNeed[],
  madeOf: readonly FilesAt[],
  options?: ReadOptions,
): Promise<string> {
  const paths = new Set(needs.map(({ tensor }) => tensor.file));
  const all = [...[...paths].map((path) => ({ source: files.source, path })), ...madeOf];
  const marks: string[] = [];
  for (const { source, path } of all) {
    const mark = await source.revision(path, options);
    if (mark === undefined) {
      throw new ZoetropeError(
        'feature-missing',
        `${source.name} gives neither ETag nor Last-Modified for ${path}: a stored copy could not be told from a later version.`,
        'Load the model without keeping it, or serve it with one of these headers.',
      );
    }
    marks.push(mark);
  }
  return marks.join(' ');
}
