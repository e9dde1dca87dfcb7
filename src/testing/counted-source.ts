/** @file The same files, and how many bytes of them were read. */
import type { FileSource } from '../weights/source.ts';

/** @param counts Whether a read that begins at `start` counts; default: every read does. */
export function countedSource(
  source: FileSource,
  counts: (start: number) => boolean = () => true,
): { source: FileSource; bytes: () => number } {
  let bytes = 0;
  return {
    source: {
      name: source.name,
      readText: (path, options) => source.readText(path, options),
      exists: (path, options) => source.exists(path, options),
      size: (path, options) => source.size(path, options),
      revision: (path, options) => source.revision(path, options),
      async read(path, start, end, options) {
        const data = await source.read(path, start, end, options);
        if (counts(start)) bytes += data.byteLength;
        return data;
      },
    },
    bytes: () => bytes,
  };
}
