/** @file Where a checkpoint's files come from: bytes by path and range. */
import { modelFormat, ZoetropeError } from '../errors.ts';
import { HEAD_BYTES, isAnother, isWeightsFile, whatIsIt } from './what-is-it.ts';

export interface ReadOptions {
  signal?: AbortSignal;
  /**
   * Bytes as they arrive. `isKept`: they were in the store already, and nothing was fetched. Less than 0: so many of those
   * that arrived are fetched again.
   */
  onBytes?: (bytes: number, isKept?: boolean) => void;
}

/** A folder of files. Paths are relative, with forward slashes. */
export interface FileSource {
  /** For messages. */
  readonly name: string;
  /** @throws ZoetropeError `model-format` if the file is not there, `network` if it cannot be reached. */
  readText(path: string, options?: ReadOptions): Promise<string>;
  /** Whether the file is there. */
  exists(path: string, options?: ReadOptions): Promise<boolean>;
  /** Bytes of the whole file. */
  size(path: string, options?: ReadOptions): Promise<number>;
  /** A mark that changes when the file does; undefined if there is none to be had. */
  revision(path: string, options?: ReadOptions): Promise<string | undefined>;
  /** The one commit that all files are of, where there are commits. */
  commit?(options?: ReadOptions): Promise<string>;
  /** Bytes `start … end − 1`: exactly that many, or an error. */
  read(
    path: string,
    start: number,
    end: number,
    options?: ReadOptions,
  ): Promise<Uint8Array<ArrayBuffer>>;
  /** Drops what is held in RAM of a file that arrived damaged. */
  forget?(path: string): void;
  /** Paths of all files, where that can be known: for messages, and where one file of any name is meant. */
  list?(options?: ReadOptions): Promise<readonly string[]>;
}

/** A folder in a source ('' for its root), or one file with weights. */
export interface FilesAt {
  readonly source: FileSource;
  readonly path: string;
}

/** A path in a folder, '' for a source's root. With '' for the name: the folder as a prefix. */
export function pathIn(folder: string, name: string): string {
  return folder === '' ? name : `${folder}/${name}`;
}

/**
 * The one file that is meant: named by its path, or the first of these names that is in the folder.
 * @param names Relative to the folder. @returns Undefined if none is there.
 */
export async function findFile(
  { source, path }: FilesAt,
  names: readonly string[],
  options?: ReadOptions,
): Promise<string | undefined> {
  if (isWeightsFile(path)) return path;
  for (const name of names) {
    const file = pathIn(path, name);
    if (await source.exists(file, options)) return file;
  }
  return undefined;
}

/** Characters. The longest published one, umT5's tokenizer, has 17 million. */
const LONGEST_JSON = 100_000_000;

/** Reads and parses a JSON file; the caller checks what is in it. */
export async function readJson(
  source: FileSource,
  path: string,
  options?: ReadOptions,
): Promise<unknown> {
  const text = await source.readText(path, options);
  if (text.length > LONGEST_JSON) {
    throw modelFormat(
      `${path} of ${source.name} has ${text.length} characters, more than ${LONGEST_JSON}.`,
      'A configuration of a model is shorter: check what the file is.',
    );
  }
  try {
    // Windows editors put a byte-order mark in front, which is not JSON.
    return JSON.parse(text.startsWith('\uFEFF') ? text.slice(1) : text);
  } catch (cause) {
    const recognised = whatIsIt(new TextEncoder().encode(text.slice(0, HEAD_BYTES)), path);
    if (recognised) {
      throw isAnother(`${path} of ${source.name} is not JSON: it`, recognised, cause);
    }
    throw modelFormat(
      `${path} of ${source.name} is not JSON.`,
      'The file is damaged: copy or download it again.',
      cause,
    );
  }
}

/** A file that is not there. Callers that know what else there is say that instead. */
export class MissingFile extends ZoetropeError {
  constructor(
    message: string,
    hint = "Check the model's name; a checkpoint is a folder in diffusers' WanPipeline layout, complete.",
  ) {
    super('model-format', message, hint);
  }
}

export function missingFile(source: FileSource, path: string): MissingFile {
  return new MissingFile(`${source.name} has no file ${path}.`);
}
