/** @file What a checkpoint may say of its prompts in `zoetrope.json`, checked before anybody relies on it. */
import { isRecord } from '../../config/fields.ts';
import type { PromptLists, PromptVocabulary } from '../family.ts';

/** Lists, and whether one may be empty: a model may know no relations, but not no subjects. */
const BUILDER: Readonly<Record<Exclude<keyof PromptLists, 'pairMotions'>, boolean>> = {
  colours: false,
  subjects: false,
  motions: false,
  relations: true,
  grounds: true,
  cameras: true,
};

/**
 * Entries of a list, and characters of one. The page makes a button or a choice of each, and looks for them in what is
 * typed.
 */
const MOST_TEXTS = 1000;
const MOST_WORDS = 100_000;
const LONGEST_TEXT = 1000;

const FIELDS: readonly (keyof PromptVocabulary)[] = ['samples', 'builder', 'words'];

/**
 * What keeps `value` from being a `PromptVocabulary`, to be read after its name: “.builder.colours is empty”; undefined if
 * it is one.
 */
export function faultOfVocabulary(value: unknown): string | undefined {
  if (!isRecord(value)) return ' is not an object';
  const { samples, builder, words } = value;
  if (!isRecord(builder)) return '.builder is not an object';
  const lists = Object.entries(BUILDER).map(([name, mayBeEmpty]) =>
    faultOfList(`.builder.${name}`, builder[name], mayBeEmpty),
  );
  return (
    strangerIn('', value, FIELDS) ??
    strangerIn('.builder', builder, [...Object.keys(BUILDER), 'pairMotions']) ??
    faultOfList('.samples', samples, false) ??
    lists.find((fault) => fault !== undefined) ??
    faultOfPairs(builder) ??
    faultOfList('.words', words, false, MOST_WORDS) ??
    faultOfWords(words as readonly string[])
  );
}

function strangerIn(
  path: string,
  value: Readonly<Record<string, unknown>>,
  names: readonly string[],
): string | undefined {
  const stranger = Object.keys(value).find((name) => !names.includes(name));
  return stranger === undefined
    ? undefined
    : `${path}.${stranger.slice(0, 60)} is nothing that is known`;
}

function faultOfList(
  path: string,
  value: unknown,
  mayBeEmpty: boolean,
  most = MOST_TEXTS,
): string | undefined {
  if (!Array.isArray(value)) return `${path} is no list`;
  if (value.length === 0 && !mayBeEmpty) return `${path} is empty`;
  if (value.length > most) return `${path} has ${value.length} entries, more than ${most}`;
  const long = value.findIndex(
    (text: unknown) => typeof text === 'string' && text.length > LONGEST_TEXT,
  );
  if (long >= 0) return `${path}[${long}] has more than ${LONGEST_TEXT} characters`;
  const wrong = value.findIndex(
    (text: unknown) => typeof text !== 'string' || text === '' || text !== text.trim(),
  );
  return wrong < 0 ? undefined : `${path}[${wrong}] is no text without spaces around it`;
}

function faultOfPairs({
  motions,
  pairMotions = motions,
}: Readonly<Record<string, unknown>>): string | undefined {
  const fault = faultOfList('.builder.pairMotions', pairMotions, false);
  if (fault !== undefined) return fault;
  const known = new Set(motions as string[]);
  const wrong = (pairMotions as string[]).find((text) => !known.has(text));
  return wrong === undefined
    ? undefined
    : `.builder.pairMotions has “${wrong}”, which is no motion`;
}

function faultOfWords(words: readonly string[]): string | undefined {
  const wrong = words.findIndex((word) => word !== word.toLowerCase() || /\s/.test(word));
  return wrong < 0 ? undefined : `.words[${wrong}] is no word in lower case`;
}
