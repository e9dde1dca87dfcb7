/** @file What a failed call to the file system means for a store in a folder. Node only. */
import { isOutOfRoom, storageLost, storageUnavailable } from './failure.ts';

export function isErrno(error: unknown): error is NodeJS.ErrnoException & { code: string } {
  return (
    error instanceof Error &&
    typeof (error as { code?: unknown }).code === 'string' &&
    'syscall' in error
  );
}

/** The failure for callers. What is not the file system's, and a full disk, stay as they are. */
export function folderFailure(folder: string, error: unknown): unknown {
  if (!isErrno(error) || isOutOfRoom(error)) return error;
  if (error.code === 'ENOENT') return storageLost(`The folder ${folder} has lost files`, error);
  const isRefused = ['EACCES', 'EPERM', 'EROFS'].includes(error.code);
  return storageUnavailable(
    `The folder ${folder} cannot be used for stored models: ${error.message}.`,
    isRefused
      ? 'Allow this program to read and write the folder, or choose another.'
      : 'Check the folder and its disk, or choose another.',
    error,
  );
}
