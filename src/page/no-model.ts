/** @file What was dropped or chosen instead of a model's folder: loaded when there is no model in it. */
import { invalidArgument, ZoetropeError } from '../errors.ts';
import { FilesSource } from '../weights/files-source.ts';
import { LoneFile } from '../weights/lone-file.ts';
import { isWeightsFile } from '../weights/what-is-it.ts';
import { missingIndex } from '../weights/what-is-there.ts';

/**
 * @param files With the names of the folders above.
 * @returns The error: what the one file is, or what the folder has, as far as either is known.
 */
export async function noModelIn(
  files: readonly { readonly path: string; readonly file: File }[],
): Promise<unknown> {
  const [only] = files.length === 1 ? files : [];
  if (only && isWeightsFile(only.path)) return whatFileIs(only.file);
  const [first] = files;
  const root = first?.path.includes('/') === true ? first.path.split('/', 1)[0] : undefined;
  const source = new FilesSource({
    name: root ?? 'what was chosen',
    files: files.map(({ path, file }) => ({
      path: root === undefined ? path : path.slice(root.length + 1),
      file,
    })),
  });
  return aboutModel(await missingIndex(source, '', 'model_index.json'));
}

async function whatFileIs(file: File): Promise<unknown> {
  const folder = new FilesSource({ name: '', files: [{ path: file.name, file }] });
  try {
    return await new LoneFile(folder, file.name).exists('');
  } catch (error) {
    return aboutModel(error);
  }
}

/** Without the words by which sources tell folders of the user's own from others. */
function aboutModel(error: unknown): unknown {
  if (!(error instanceof ZoetropeError)) return error;
  const message = error.message.replace(' of folder: ', ' ').replace(/^folder:\/?/, '');
  return invalidArgument('model', message, error.hint);
}
