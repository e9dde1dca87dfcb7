/** @file The files in folders that were dropped. Loaded at the first drop: most visits have none. */
import { invalidArgument } from '../errors.ts';
import type { PathFile } from './folder-drop.ts';

/** More than any model has: somebody dropped a disk. */
const MAX_FILES = 5000;

/** All files in what was dropped, folders in folders too. */
export async function filesOf(entries: readonly FileSystemEntry[]): Promise<PathFile[]> {
  const files: PathFile[] = [];
  const open = [...entries];
  for (let entry = open.shift(); entry; entry = open.shift()) {
    if (files.length > MAX_FILES) {
      throw invalidArgument('model', 'these are too many files.', 'Drop the folder of one model.');
    }
    if (isFile(entry)) {
      const found = entry;
      const file = await new Promise<File>((resolve, reject) => found.file(resolve, reject));
      files.push({ path: found.fullPath.replace(/^\//, ''), file });
    } else if (isDirectory(entry)) {
      open.push(...(await childrenOf(entry)));
    }
  }
  return files;
}

// Not `instanceof`: Chromium has no constructors of these.
const isFile = (entry: FileSystemEntry): entry is FileSystemFileEntry => entry.isFile;

const isDirectory = (entry: FileSystemEntry): entry is FileSystemDirectoryEntry =>
  entry.isDirectory;

async function childrenOf(directory: FileSystemDirectoryEntry): Promise<FileSystemEntry[]> {
  const reader = directory.createReader();
  const children: FileSystemEntry[] = [];
  for (;;) {
    // At most a hundred come at once.
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) =>
      reader.readEntries(resolve, reject),
    );
    if (some.length === 0) return children;
    children.push(...some);
  }
}
