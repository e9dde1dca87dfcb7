/**
 * @file What the store keeps are components, each in a format of its own; what a person keeps are models. A quantized
 * model has components with nothing to quantize, and shares those with the same model as it came.
 */
import type { ComponentName } from '../families/family.ts';
import { checkedFiles, type FileState } from '../store/checked-files.ts';
import { type DamagedRecord, isDamaged, type Json, type StoredRecord } from '../store/record.ts';
import type { StoredFormat } from '../weights/storage-format.ts';
import type { StoredFile } from './api/verify.ts';

export type { StoredFormat };

/** A model in the browser's storage, in one format, whole or as far as its import came; or a file that is a model by itself. */
export interface StoredModel {
  /** Where it came from: a folder's URL, or a file's. */
  readonly source: string;
  /** That folder's name, or that file's. */
  readonly name: string;
  /** What sets it apart from the model as it came, in words: a LoRA, another transformer. */
  readonly variant?: string;
  /** How the weights of the transformer's linear layers are kept; the text encoder may have a format of its own. */
  readonly format: StoredFormat;
  /**
   * An import that was cut short resumes when the model is loaded again. What is damaged is then fetched again; or delete
   * the model.
   */
  readonly state: 'importing' | 'complete' | 'damaged';
  /** What is damaged, in words; absent if nothing is. */
  readonly damage?: string;
  /** Stored so far. A component that two models share counts in both. */
  readonly bytes: number;
  /** Milliseconds since the epoch. */
  readonly lastUsedAt: number;
  /** What it was imported from, as far as that was noted. */
  readonly files: readonly StoredFile[];
  /** The least that is known of any of its files: see `FileState`. `verifyStoredModel` finds out more. */
  readonly verified: FileState;
  /** What the store calls its components. */
  readonly checkpointIds: readonly string[];
}

const COMPONENTS: Readonly<Record<ComponentName, true>> = {
  text_encoder: true,
  transformer: true,
  vae: true,
};

/** In what a component is kept that has nothing for the model's own format to change. */
const INSTEAD_OF: Readonly<Record<StoredFormat, readonly StoredFormat[]>> = {
  q4: ['f16', 'source'],
  q8: ['f16', 'source'],
  f16: ['source'],
  source: [],
};

const FORMATS = Object.keys(INSTEAD_OF) as StoredFormat[];

/** As much of a record as a list of models needs. */
interface Component {
  readonly id: string;
  readonly source: string;
  readonly format: string;
  readonly variant?: string;
  readonly state: StoredModel['state'];
  readonly problem?: string;
  readonly totalBytes: number;
  readonly lastUsedAt: number;
  readonly metadata: Json;
}

/** Components as the models that they make up, the last used first. */
export function groupModels(records: Iterable<StoredRecord>): StoredModel[] {
  const all = [...records].map((record) => (isDamaged(record) ? remainsOf(record) : record));
  const folders = groupBy(
    all.filter((record) => !isFile(record)),
    ({ source }) => folderOf(source),
  );
  const models = [...folders].flatMap(([source, components]) => {
    const variants = new Set([undefined, ...components.map(({ variant }) => variant)]);
    return withoutParts(
      [...variants].flatMap((variant) =>
        FORMATS.flatMap((format) => gather(source, format, components, variant)),
      ),
    );
  });
  return [...models, ...all.filter(isFile).map(fileAsModel)].sort(
    (a, b) => b.lastUsedAt - a.lastUsedAt,
  );
}

/** What a damaged record does not say, its id may: `source@mark#format`. */
function remainsOf(record: DamagedRecord): Component {
  const { id, state, problem, variant, totalBytes = 0, lastUsedAt = 0 } = record;
  const [, source = id, format = 'source'] = /^(.+)@[0-9a-f]+#([a-z]+\d*)/.exec(id) ?? [];
  return {
    id,
    source: record.source ?? source,
    format: record.format ?? format,
    ...(variant === undefined ? {} : { variant }),
    state,
    problem,
    totalBytes,
    lastUsedAt,
    metadata: null,
  };
}

/** A file that is a model by itself, such as a decoder; or a component that belongs to no model that can be known. */
function isFile({ source, format }: Component): boolean {
  return source.endsWith('.safetensors') || !FORMATS.some((known) => known === format);
}

function fileAsModel(record: Component): StoredModel {
  const { source, state, totalBytes, lastUsedAt, id, problem } = record;
  const format = FORMATS.find((known) => known === record.format) ?? 'source';
  return {
    source,
    name: lastPart(source),
    format,
    state,
    ...(problem === undefined ? {} : { damage: problem }),
    bytes: totalBytes,
    lastUsedAt,
    ...filesOf([record]),
    checkpointIds: [id],
  };
}

/** From the least to the most that can be known. */
const CERTAINTY: readonly FileState[] = ['unknown', 'ranges', 'compared', 'whole'];

function filesOf(records: readonly Component[]): Pick<StoredModel, 'files' | 'verified'> {
  const noted = records.map((record) => checkedFiles(record));
  const files = noted.flat().map(({ source, path, size, mark, state, checkedAt }): StoredFile => {
    const [, sha256] = /^sha256:([0-9a-f]{64})$/.exec(mark) ?? [];
    return {
      source,
      path,
      size,
      ...(sha256 === undefined ? {} : { sha256 }),
      state,
      ...(checkedAt === undefined ? {} : { checkedAt }),
    };
  });
  const isNoted = noted.every((each) => each.length > 0);
  const states = new Set(files.map(({ state }) => state));
  const least = isNoted ? CERTAINTY.find((state) => states.has(state)) : undefined;
  return { files, verified: least ?? 'unknown' };
}

/** Components of a variant, and those that it shares with the model as it came. */
function ofVariant(components: readonly Component[], variant: string | undefined): Component[] {
  const own = components.filter((each) => each.variant === variant);
  const known = new Set(own.map(({ source }) => source));
  const shared = components.filter((each) => each.variant === undefined && !known.has(each.source));
  return [...own, ...shared];
}

/** The model in this format, unless nothing is kept in it. */
function gather(
  source: string,
  format: StoredFormat,
  components: readonly Component[],
  variant: string | undefined,
): StoredModel[] {
  const records = ofVariant(components, variant);
  const chosen = [...groupBy(records, (each) => each.source)].flatMap(([name, component]) => {
    const isEncoder = lastPart(name) === ('text_encoder' satisfies ComponentName);
    const choices = [format, ...INSTEAD_OF[format], ...(isEncoder ? FORMATS : [])];
    const found = choices.find((choice) => component.some((each) => each.format === choice));
    return component.filter((each) => each.format === found);
  });
  if (!chosen.some((each) => each.format === format)) return [];
  if (!chosen.some((each) => each.variant === variant)) return [];
  const names = new Set(chosen.map((each) => lastPart(each.source)));
  const isWhole =
    Object.keys(COMPONENTS).every((name) => names.has(name)) &&
    chosen.every(({ state }) => state === 'complete');
  const damage = chosen
    .filter((each) => each.state === 'damaged')
    .map((each) => `${lastPart(each.source)}: ${each.problem ?? ''}`);
  return [
    {
      source,
      name: lastPart(source),
      ...(variant === undefined ? {} : { variant }),
      format,
      state: damage.length > 0 ? 'damaged' : isWhole ? 'complete' : 'importing',
      ...(damage.length > 0 ? { damage: damage.join('; ') } : {}),
      bytes: chosen.reduce((sum, { totalBytes }) => sum + totalBytes, 0),
      lastUsedAt: Math.max(...chosen.map(({ lastUsedAt }) => lastUsedAt)),
      ...filesOf(chosen),
      checkpointIds: chosen.map(({ id }) => id),
    },
  ];
}

/** Leaves out what is only a part of another: the components that a quantized model keeps as they came. */
function withoutParts(models: readonly StoredModel[]): StoredModel[] {
  return models.filter(
    (model) =>
      !models.some(
        (other) =>
          other !== model && model.checkpointIds.every((id) => other.checkpointIds.includes(id)),
      ),
  );
}

function groupBy<T>(values: Iterable<T>, keyOf: (value: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const value of values) {
    const key = keyOf(value);
    const group = groups.get(key);
    if (group) group.push(value);
    else groups.set(key, [value]);
  }
  return groups;
}

/** `https://host/models/pocket/transformer` → `https://host/models/pocket`. */
function folderOf(component: string): string {
  return component.replace(/\/+[^/]*$/, '');
}

function lastPart(path: string): string {
  // `folder:` before the name of a folder of the user's own is no part of its name.
  return (path.split('/').findLast((part) => part !== '') ?? path).replace(/^folder:/, '');
}
