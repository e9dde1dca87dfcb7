/**
 * @file Verifies a stored component: reads the files that it was imported from whole, compares them with their hashes,
 * and what is kept with what they become.
 */
import { modelFormat } from '../errors.ts';
import { type CheckedFile, checkedFiles, withFiles } from '../store/checked-files.ts';
import type { CheckpointStore } from '../store/checkpoint-store.ts';
import { cutBefore } from '../store/cut.ts';
import { DamagedChunkError } from '../store/failure.ts';
import { CheckpointReader } from '../store/reader.ts';
import type { CheckpointRecord, StoredTensor } from '../store/record.ts';
import { FileMismatch } from './file-mismatch.ts';
import { Q4, Q8 } from './quantize-format.ts';
import { bytesOfDtype } from './safetensors.ts';
import type { FileSource, ReadOptions } from './source.ts';
import {
  convertPiece,
  partsOf,
  type Piece,
  piecesOf,
  type StorageFormat,
  type WeightNeed,
} from './storage-format.ts';
import { readWholeFile } from './whole-file.ts';

/**
 * - `whole`: the file has the hash that its source lists, and what is kept is made of it.
 * - `compared`: its source lists no hash; what is kept is made of the file that is there now.
 * - `merged`: the file has the hash that its source lists; what a LoRA was merged into cannot be compared.
 * - `damaged`: some of what is kept is not what the file holds: it is fetched again when the model is loaded.
 * - `mismatch`: the file arrived twice without having the hash that its source lists: nothing can be said of what is kept.
 * - `changed`: the source has another version of the file by now.
 */
export type VerifyOutcome = 'whole' | 'compared' | 'merged' | 'damaged' | 'mismatch' | 'changed';

export interface VerifiedFile {
  readonly source: string;
  readonly path: string;
  readonly size: number;
  readonly outcome: VerifyOutcome;
  /** The tensors that are not what the file holds; for `damaged` alone. */
  readonly tensors: readonly string[];
  /** The hash that is listed, and the hash of what came; for `mismatch` alone. */
  readonly expected?: string;
  readonly actual?: string;
}

export interface VerifyRecordOptions extends ReadOptions {
  /** Where a file is to be read from. */
  readonly open: (file: CheckedFile) => FileSource;
  readonly onFile?: (file: CheckedFile) => void;
}

/** @throws ZoetropeError `model-format` if the record does not say what it was made of. */
export function filesToVerify(record: CheckpointRecord): readonly CheckedFile[] {
  const files = checkedFiles(record);
  const tensors = files.reduce((sum, { starts }) => sum + starts.length, 0);
  if (record.state === 'complete' && files.length > 0 && tensors === record.tensors.size) {
    return files;
  }
  throw modelFormat(
    record.state === 'complete'
      ? `The stored ${record.source} does not say which files it was made of: an earlier version of this page kept it.`
      : `The stored ${record.source} is not complete yet.`,
    record.state === 'complete'
      ? 'Delete the model and load it again.'
      : 'Load the model, and verify it then.',
  );
}

/**
 * Notes the outcome in the record. Where what is kept is damaged, the record ends before it: the next import fetches the
 * rest again.
 * @throws ZoetropeError as {@link filesToVerify}, and `network`, `model-format` if a file cannot be read.
 */
export async function verifyRecord(
  store: CheckpointStore,
  record: CheckpointRecord,
  options: VerifyRecordOptions,
): Promise<readonly VerifiedFile[]> {
  const tensors = [...record.tensors.values()];
  const reader = new CheckpointReader(store, record);
  const verified: VerifiedFile[] = [];
  let next = 0;
  for (const file of filesToVerify(record)) {
    const own = tensors.slice(next, next + file.starts.length);
    next += own.length;
    options.onFile?.(file);
    verified.push(await verifyFile(file, own, reader, options));
  }
  await note(store, record, verified, options.signal);
  return verified;
}

async function verifyFile(
  file: CheckedFile,
  tensors: readonly StoredTensor[],
  reader: CheckpointReader,
  options: VerifyRecordOptions,
): Promise<VerifiedFile> {
  const source = options.open(file);
  const { path, size } = file;
  const report = { source: file.source, path, size, tensors: [] };
  if ((await source.revision(path, options)) !== file.mark) {
    options.onBytes?.(size);
    return { ...report, outcome: 'changed' };
  }
  const { pieces, isMerged } = piecesIn(file, tensors);
  let mismatch: FileMismatch | undefined;
  for (let attempt = 0; attempt < 2; attempt++) {
    const damaged = new Set<string>();
    let read = 0;
    const count: ReadOptions['onBytes'] = (bytes) => {
      read += bytes;
      options.onBytes?.(bytes);
    };
    try {
      const hasHash = await readWholeFile(
        source,
        path,
        pieces,
        async (piece, bytes) => {
          if (!(await isKept(piece, bytes, reader, options))) damaged.add(piece.need.name);
        },
        { ...options, onBytes: count },
      );
      if (damaged.size > 0) return { ...report, outcome: 'damaged', tensors: [...damaged] };
      if (isMerged) return { ...report, outcome: 'merged' };
      return { ...report, outcome: hasHash ? 'whole' : 'compared' };
    } catch (error) {
      if (!(error instanceof FileMismatch)) throw error;
      mismatch = error;
      if (attempt === 0) options.onBytes?.(-read);
    }
  }
  const { expected = '', actual = '' } = mismatch ?? {};
  return { ...report, outcome: 'mismatch', expected, actual };
}

/** Pieces that can be compared, in the file's order. */
function piecesIn(
  file: CheckedFile,
  tensors: readonly StoredTensor[],
): { pieces: readonly Piece[]; isMerged: boolean } {
  let isMerged = false;
  let end = 0;
  const pieces = tensors.flatMap((tensor, i) => {
    const start = file.starts[i] ?? null;
    const need = start === null ? undefined : needOf(file, tensor, start);
    if (!need || need.tensor.start < end || need.tensor.end > file.size) {
      isMerged = true;
      return [];
    }
    ({ end } = need.tensor);
    return piecesOf(need);
  });
  // A file that something was merged from has no tensors here.
  return { pieces, isMerged: isMerged || tensors.length === 0 };
}

const FORMATS: Readonly<Record<string, StorageFormat>> = {
  source: 'source',
  f16: 'f16',
  q8: Q8,
  q4: Q4,
};

function needOf(
  { path }: CheckedFile,
  { name, storage: label, dtype, shape }: StoredTensor,
  start: number,
): WeightNeed | undefined {
  const storage = FORMATS[label];
  const bytes = bytesOfDtype(dtype);
  if (storage === undefined || bytes === undefined) return undefined;
  const end = start + shape.reduce((n, dim) => n * dim, bytes);
  return { name, storage, tensor: { file: path, dtype, shape, start, end } };
}

async function isKept(
  piece: Piece,
  bytes: Uint8Array<ArrayBuffer>,
  reader: CheckpointReader,
  options: ReadOptions,
): Promise<boolean> {
  const { signal } = options;
  const expected = await convertPiece(piece, bytes, signal ? { signal } : {});
  try {
    for (const [i, { name }] of partsOf(piece).entries()) {
      const kept = await reader.readTensor(piece.need.name, `${name}.${piece.index}`);
      const right = expected[i];
      if (!right || !areEqual(kept, right)) return false;
    }
    return true;
  } catch (error) {
    // The storage itself lost or changed it: it is repaired when it is next read, but here it is damaged.
    if (error instanceof DamagedChunkError) return false;
    throw error;
  }
}

function areEqual(a: Uint8Array<ArrayBuffer>, b: Uint8Array<ArrayBuffer>): boolean {
  if (a.byteLength !== b.byteLength) return false;
  for (let i = 0; i < a.byteLength; i++) if (a[i] !== b[i]) return false;
  return true;
}

async function note(
  store: CheckpointStore,
  { id, version }: CheckpointRecord,
  verified: readonly VerifiedFile[],
  signal: AbortSignal | undefined,
): Promise<void> {
  await store.withImportLock(
    id,
    async () => {
      const record = await store.peekCheckpoint(id);
      // Somebody else imported or deleted it meanwhile.
      if (record?.version !== version) return;
      const checkedAt = Date.now();
      const files = checkedFiles(record).map((file, i): CheckedFile => {
        const outcome = verified[i]?.outcome;
        if (outcome === 'whole' || outcome === 'compared') {
          return { ...file, state: outcome, checkedAt };
        }
        // What it was said to be, it is not.
        const isKnown = outcome !== 'damaged';
        return isKnown ? file : { ...file, state: file.state === 'unknown' ? 'unknown' : 'ranges' };
      });
      const metadata = withFiles(record.metadata, files);
      await store.commit({ ...record, metadata, version: version + 1 });
      const damaged = new Set(verified.flatMap(({ tensors }) => tensors));
      const first = [...record.tensors.keys()].find((name) => damaged.has(name));
      if (first === undefined) return;
      await cutBefore(store, id, first);
      // Chunks that the storage damaged would otherwise count as there.
      await store.collectGarbage();
    },
    signal,
  );
}
