/** @file Verifies a stored model, component by component, and says how far it is. */
import { invalidArgument, modelFormat } from '../errors.ts';
import type { CheckedFile } from '../store/checked-files.ts';
import type { CheckpointStore } from '../store/checkpoint-store.ts';
import type { CheckpointRecord } from '../store/record.ts';
import { FilesSource } from '../weights/files-source.ts';
import { openSource } from '../weights/open-source.ts';
import type { FileSource } from '../weights/source.ts';
import { filesToVerify, type VerifiedFile, verifyRecord } from '../weights/verify-record.ts';
import type { VerifyOptions, VerifyReport } from './api/verify.ts';
import { DownloadRate } from './download-rate.ts';
import type { StoredModel } from './stored-model.ts';

export interface VerifyModelOptions extends VerifyOptions {
  /** Stands in for the place that the record names. */
  open?: (file: CheckedFile) => FileSource;
}

/** Progress is reported this often. */
const REPORT_EVERY_MS = 200;

/**
 * Reads every file of the model whole from where it came, and compares it and what is kept.
 * @throws ZoetropeError `model-format` if the model is gone, incomplete, or does not name its files; `network`;
 *   `invalid-argument` for a folder that is not given again.
 */
export async function verifyModel(
  store: CheckpointStore,
  { name, checkpointIds }: Pick<StoredModel, 'name' | 'checkpointIds'>,
  options: VerifyModelOptions = {},
): Promise<VerifyReport> {
  const { signal, onProgress } = options;
  const records: CheckpointRecord[] = [];
  for (const id of checkpointIds) {
    const record = await store.peekCheckpoint(id);
    if (!record) {
      throw modelFormat(`${name} is no longer kept as it was listed.`, 'List the models again.');
    }
    records.push(record);
  }
  // Before anything is read: what cannot be verified is known from the records.
  const totalBytes = records.flatMap(filesToVerify).reduce((sum, { size }) => sum + size, 0);
  const open = opener(options);
  for (const file of records.flatMap(filesToVerify)) open(file);
  const rate = new DownloadRate();
  let file = '';
  let readBytes = 0;
  let reportedAt = Number.NEGATIVE_INFINITY;
  const onBytes = (bytes: number): void => {
    readBytes = Math.min(totalBytes, readBytes + bytes);
    if (bytes > 0) rate.add(bytes);
    const now = performance.now();
    if (now - reportedAt < REPORT_EVERY_MS && readBytes < totalBytes) return;
    reportedAt = now;
    const { bytesPerSecond } = rate;
    const speed =
      bytesPerSecond === undefined
        ? {}
        : { bytesPerSecond, etaSeconds: (totalBytes - readBytes) / bytesPerSecond };
    const fraction = totalBytes === 0 ? 1 : readBytes / totalBytes;
    onProgress?.({ file, fraction, readBytes, totalBytes, ...speed });
  };
  const files: VerifiedFile[] = [];
  for (const record of records) {
    const verified = await verifyRecord(store, record, {
      open,
      onBytes,
      onFile: ({ path }) => {
        file = path;
      },
      ...(signal ? { signal } : {}),
    });
    files.push(...verified);
  }
  return { outcome: outcomeOf(files), files };
}

function outcomeOf(files: readonly VerifiedFile[]): VerifyReport['outcome'] {
  if (files.some(({ outcome }) => outcome === 'damaged')) return 'damaged';
  const isIntact = files.every(({ outcome }) => outcome === 'whole' || outcome === 'compared');
  return isIntact ? 'intact' : 'unverified';
}

/** One source for all files of a place: a hub is asked for its listing once. */
function opener({
  open,
  token,
  hubUrl,
  folder,
}: VerifyModelOptions): (file: CheckedFile) => FileSource {
  const sources = new Map<string, FileSource>();
  return (file) => {
    const { source: name, commit } = file;
    const key = `${name}@${commit}`;
    const source = sources.get(key) ?? (open ? open(file) : openPlace(name, commit));
    sources.set(key, source);
    return source;
  };

  function openPlace(name: string, revision: string | undefined): FileSource {
    if (!name.startsWith('folder:')) return openSource(name, { revision, token, hubUrl });
    if (folder && name === `folder:${folder.name}`) return new FilesSource(folder);
    throw invalidArgument(
      'folder',
      `the model came from the folder ${name.slice('folder:'.length)}, which is not open.`,
      'Choose the folder again, and verify the model then.',
    );
  }
}
