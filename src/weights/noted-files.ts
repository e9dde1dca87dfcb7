/** @file What a record notes about the files that a component is imported from: see `store/checked-files.ts`. */
import type { CheckedFile, FileState } from '../store/checked-files.ts';
import type { ComponentFiles } from './component.ts';
import { isContentMark } from './content-hash.ts';
import type { FilesAt, ReadOptions } from './source.ts';
import type { WeightNeed } from './storage-format.ts';

export class NotedFiles {
  readonly #files: readonly CheckedFile[];

  private constructor(files: readonly CheckedFile[]) {
    this.#files = files;
  }

  /**
   * @param needs In the order in which they are stored.
   * @param madeOf Files that something is added from: they are read here and there.
   */
  static async open(
    { source }: ComponentFiles,
    needs: readonly WeightNeed[],
    madeOf: readonly FilesAt[],
    options?: ReadOptions,
  ): Promise<NotedFiles> {
    const paths = new Set(needs.map(({ tensor }) => tensor.file));
    const all = [...[...paths].map((path) => ({ source, path, isOwn: true })), ...madeOf];
    const files: CheckedFile[] = [];
    for (const each of all) {
      const size = await each.source.size(each.path, options);
      const mark = (await each.source.revision(each.path, options)) ?? '';
      const commit = await each.source.commit?.(options);
      const own = 'isOwn' in each ? needs.filter(({ tensor }) => tensor.file === each.path) : [];
      files.push({
        source: each.source.name,
        path: each.path,
        size,
        mark,
        ...(commit === undefined ? {} : { commit }),
        state: isContentMark(mark) ? 'ranges' : 'unknown',
        starts: own.map(({ tensor, additions = [] }) =>
          additions.length === 0 ? tensor.start : null,
        ),
      });
    }
    return new NotedFiles(files);
  }

  /**
   * @param earlier What an import that was cut short has noted: it holds for files that are not read again.
   * @param states How files were read since.
   */
  files(
    earlier: readonly CheckedFile[],
    states: ReadonlyMap<string, FileState>,
  ): readonly CheckedFile[] {
    return this.#files.map((file) => {
      const before = earlier.find(
        ({ source, path, mark }) =>
          source === file.source && path === file.path && mark === file.mark,
      );
      const now = file.starts.length > 0 ? states.get(file.path) : undefined;
      return { ...file, state: now ?? before?.state ?? file.state };
    });
  }
}
