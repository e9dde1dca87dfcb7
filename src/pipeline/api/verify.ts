/** @file What is known of the files of a stored model, and verifying them. */
import type { FolderFiles } from '../../weights/open-source.ts';
import type { VerifiedFile } from '../../weights/verify-record.ts';
import type { FileState } from '../../store/checked-files.ts';

export type { VerifiedFile, VerifyOutcome } from '../../weights/verify-record.ts';
export type { FileState } from '../../store/checked-files.ts';

/** A file that a stored model was imported from. */
export interface StoredFile {
  /** The repository or the address of the folder that it is in. */
  readonly source: string;
  /** In the source. */
  readonly path: string;
  readonly size: number;
  /** What the hub lists for it; absent where the source lists none. */
  readonly sha256?: string;
  readonly state: FileState;
  /** When it was last verified, in milliseconds since the epoch. */
  readonly checkedAt?: number;
}

export interface VerifyOptions {
  /** A hub access token, for gated and private repositories. Only ever sent to the hub itself. */
  token?: string;
  /** Another hub than huggingface.co that speaks its protocol. */
  hubUrl?: string;
  /** The folder again, for a model that came from one. */
  folder?: FolderFiles;
  onProgress?: (progress: VerifyProgress) => void;
  signal?: AbortSignal;
}

export interface VerifyProgress {
  /** The file that is being read. */
  readonly file: string;
  readonly fraction: number;
  readonly readBytes: number;
  readonly totalBytes: number;
  /** In the last seconds, once it can be measured. */
  readonly bytesPerSecond?: number;
  readonly etaSeconds?: number;
}

export interface VerifyReport {
  /**
   * `intact`: every file was compared, and so was everything that is kept. `damaged`: some of what is kept is wrong; it is
   * fetched again when the model is loaded. `unverified`: some files could not be compared; `files` says why.
   */
  readonly outcome: 'intact' | 'damaged' | 'unverified';
  readonly files: readonly VerifiedFile[];
}
