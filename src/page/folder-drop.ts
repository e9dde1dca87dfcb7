/**
 * @file Folders of the user's own: dropped anywhere on the page, or picked with a button. Only their files' names are
 * read here; the engine reads of their bytes what it needs.
 */
import { invalidArgument } from '../errors.ts';
import type { FolderFiles, ModelReference } from '../pipeline/api.ts';
import { button, input } from './elements.ts';
import { FOLDER } from './model-choice.ts';

/** What makes a folder a model's. */
const INDEX = 'model_index.json';

const folders = new Map<string, FolderFiles>();

/**
 * The files behind a source that names a folder of the user's; any other is a reference itself.
 * @throws ZoetropeError `invalid-argument` if the folder was not chosen since the page was opened.
 */
export function referenceOf(source: string): ModelReference {
  if (!source.startsWith(FOLDER)) return source;
  const folder = folders.get(source);
  if (folder) return folder;
  throw invalidArgument(
    'model',
    `the folder ${source.slice(FOLDER.length)} is not open.`,
    'A page may read a folder only after it was chosen: choose it again, or drop it here.',
  );
}

/** The folder behind a source, if it was chosen since the page was opened. */
export function openFolder(source: string): FolderFiles | undefined {
  return folders.get(source);
}

export interface FolderEvents {
  /** @param model What the folder is called in the form. */
  readonly onChoose: (model: string) => void;
  readonly onError: (error: unknown) => void;
}

export function setUpFolders({ onChoose, onError }: FolderEvents): void {
  const open = (files: readonly PathFile[]): void => {
    const folder = modelFolder(files);
    if (!folder) {
      import('./no-model.ts').then(({ noModelIn }) => noModelIn(files)).then(onError, onError);
      return;
    }
    const name = FOLDER + folder.name;
    folders.set(name, folder);
    onChoose(name);
  };
  const picker = input('folder');
  button('choose-folder').addEventListener('click', () => picker.click());
  picker.addEventListener('change', () => {
    const files = [...(picker.files ?? [])];
    // The same folder may be chosen again: its files may have changed.
    picker.value = '';
    open(files.map((file) => ({ path: file.webkitRelativePath, file })));
  });
  // Without it the browser would leave the page for what is dropped.
  document.addEventListener('dragover', (event) => {
    if (event.dataTransfer?.types.includes('Files') === true) event.preventDefault();
  });
  document.addEventListener('drop', (event) => {
    const { dataTransfer } = event;
    if (!dataTransfer?.types.includes('Files')) return;
    event.preventDefault();
    // Entries can be asked for during the event only.
    const entries = [...dataTransfer.items].flatMap((item) => item.webkitGetAsEntry() ?? []);
    import('./folder-entries.ts').then(({ filesOf }) => filesOf(entries)).then(open, onError);
  });
}

export interface PathFile {
  /** With the names of the folders above. */
  readonly path: string;
  readonly file: File;
}

/** The shallowest folder that holds a model, with paths relative to it; undefined if there is none. */
function modelFolder(files: readonly PathFile[]): FolderFiles | undefined {
  const [index] = files
    .filter(({ path }) => path === INDEX || path.endsWith(`/${INDEX}`))
    .sort((a, b) => a.path.split('/').length - b.path.split('/').length);
  if (!index) return undefined;
  const root = index.path.slice(0, -INDEX.length);
  return {
    name: root.split('/').at(-2) ?? 'model',
    files: files
      .filter(({ path }) => path.startsWith(root))
      .map(({ path, file }) => ({ path: path.slice(root.length), file })),
  };
}
