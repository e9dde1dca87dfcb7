/**
 * @file Changes to a checkpoint's files that a small JSON text describes, so that a failing case can be kept and read. Files
 * are texts of JSON, or safetensors files of which only the header is written.
 */
import { type HeadedFile, headedFile } from '../../src/testing/memory-source.ts';
import { nodeAt, printTree, treeOf, type JsonNode } from './json-tree.ts';
import type { Random } from './random.ts';

/** `at`: positions among the children of each node, from the top. */
export type Edit = { readonly file: string } & (
  | { readonly at: readonly number[]; readonly set: string }
  | { readonly at: readonly number[]; readonly rename: string }
  | { readonly at: readonly number[]; readonly add: readonly [key: string, value: string] }
  | { readonly at: readonly number[]; readonly remove: true }
  | { readonly at: readonly number[]; readonly repeat: number }
  /** Keeps this many thousandths of the text. */
  | { readonly keep: number }
  /** Turns one bit of the text around, this many thousandths into it. */
  | { readonly flip: number; readonly bit: number }
  | { readonly before: string }
  /** What a safetensors file claims its header's length to be. */
  | { readonly headerLength: string }
  /** Bytes by which a safetensors file is longer than its header says, or shorter. */
  | { readonly longer: number }
  | { readonly missing: true }
);

/** A safetensors file without its data. */
export interface HeaderFile {
  readonly header: Readonly<Record<string, unknown>>;
  readonly dataBytes: number;
}

export type BaseFiles = ReadonlyMap<string, { readonly json: unknown } | HeaderFile>;

/** Characters. */
const LONG_VALUE = 10_000;

/** Values too long to be written out in a case. */
const MACROS: ReadonlyMap<string, () => string> = new Map([
  ['@deep', () => '['.repeat(50_000) + ']'.repeat(50_000)],
  ['@objects', () => '{"a":'.repeat(20_000) + '1' + '}'.repeat(20_000)],
  ['@text', () => JSON.stringify('a'.repeat(200_000))],
  ['@list', () => `[${Array.from({ length: 200_000 }, () => '1').join(',')}]`],
  ['@texts', () => `[${Array.from({ length: 20_000 }, (_, i) => `"a${i}"`).join(',')}]`],
]);

/** Numbers at every border, other kinds of values, and what is not JSON. */
const VALUES = (
  '0 -1 1 2 3 0.5 -0 1e-320 1e9 1e6 2147483648 4294967296 9007199254740993 1e15 1e300 -1e300 1e400 -1e400 NaN Infinity ' +
  'null true false "" "1" "constructor" "__proto__" "\\u0000" "🔴" "../../etc" "a/b" ' +
  '[] {} [1] [null] [[]] {"a":1} {"__proto__":{"a":1}} [1,2,2] [1,1e9,1e9] [-1,0,1] ' +
  '{"Regex":"(a+)+$"} {"Regex":"["} {"Regex":7}'
).split(' ');

const KEYS = ['constructor', '__proto__', 'toString', 'hasOwnProperty', 'length', '', 'a.b', '0'];

export function randomEdit(base: BaseFiles, random: Random): Edit {
  // Configurations are short, and each field of them matters.
  const weighted = [...base.keys()].flatMap((name) =>
    name.endsWith('config.json') ? [name, name, name] : [name],
  );
  const file = random.pick(weighted);
  const content = base.get(file);
  const isHeader = content !== undefined && 'header' in content;
  if (random.chance(8)) return { file, ...wholeFileEdit(random, isHeader) };
  const tree = treeOf(content === undefined ? null : isHeader ? content.header : content.json);
  const { at, node } = randomPlace(tree, random);
  if (at.length > 0) {
    if (random.chance(15)) return { file, at, remove: true };
    if (random.chance(8)) return { file, at, rename: random.pick(KEYS) };
    if (random.chance(5)) return { file, at, repeat: random.pick([2, 3, 300]) };
  }
  if (node.kind === 'object' && random.chance(60)) {
    const known = random.chance(50) ? node.entries.map(([key]) => key) : [];
    const key = random.pick(known.length > 0 ? known : KEYS);
    return { file, at, add: [key, randomValue(node, random)] };
  }
  return { file, at, set: randomValue(node, random) };
}

function wholeFileEdit(
  random: Random,
  isHeader: boolean,
): { keep: number } | { flip: number; bit: number } | { before: string } | { missing: true } {
  const choices = [
    { keep: random.below(1000) },
    { flip: random.below(1000), bit: random.below(8) },
    {
      before: random.pick([
        '\uFEFF',
        '<!doctype html>',
        ' ',
        '\u0000',
        '[',
        'version https://git-lfs.github.com/spec/v1\n',
      ]),
    },
    { missing: true as const },
  ];
  const headers = [
    {
      headerLength: random.pick([
        '0',
        '1',
        '7',
        '100000001',
        '18446744073709551615',
        '9007199254740993',
      ]),
    },
    { longer: random.pick([-1, 1, -8, 1e6, -1e6, 1e15]) },
  ];
  return random.pick<(typeof choices)[number]>(
    isHeader ? [...choices, ...(headers as [])] : choices,
  );
}

function randomValue(node: JsonNode, random: Random): string {
  const number = node.kind === 'leaf' ? Number(node.text) : Number.NaN;
  if (Number.isFinite(number) && random.chance(40)) {
    return random
      .pick([number + 1, number - 1, number * 2, -number, number / 2, number * 1e6])
      .toString();
  }
  return random.chance(6) ? random.pick([...MACROS.keys()]) : random.pick(VALUES);
}

function randomPlace(tree: JsonNode, random: Random): { at: number[]; node: JsonNode } {
  const at: number[] = [];
  let node = tree;
  for (;;) {
    const children = node.kind === 'list' ? node.items : node.kind === 'object' ? node.entries : [];
    if (children.length === 0 || random.chance(at.length === 0 ? 5 : 25)) return { at, node };
    const index = random.below(children.length);
    at.push(index);
    node = nodeAt(node, [index]) ?? node;
  }
}

/** The files after all edits, as a source has them. A missing one is not in the map. */
export function applyEdits(
  base: BaseFiles,
  edits: readonly Edit[],
): ReadonlyMap<string, string | HeadedFile> {
  return new Map(
    [...base].flatMap(([file, content]) => {
      const own = edits.filter((edit) => edit.file === file);
      if (own.some((edit) => 'missing' in edit)) return [];
      const isHeader = 'header' in content;
      const tree = treeOf(isHeader ? content.header : content.json);
      for (const edit of own) editTree(tree, edit);
      let text = printTree(tree);
      for (const edit of own) text = editText(text, edit);
      return [[file, isHeader ? headed(text, content.dataBytes, own) : text] as const];
    }),
  );
}

function editTree(tree: JsonNode, edit: Edit): void {
  if (!('at' in edit)) return;
  const node = nodeAt(tree, edit.at);
  const parent = edit.at.length > 0 ? nodeAt(tree, edit.at.slice(0, -1)) : undefined;
  const index = edit.at.at(-1) ?? 0;
  if (!node) return;
  if ('set' in edit) {
    const leaf = { kind: 'leaf', text: expand(edit.set) } as const;
    if (parent?.kind === 'list') parent.items[index] = leaf;
    else if (parent?.kind === 'object') {
      const entry = parent.entries[index];
      if (entry) entry[1] = leaf;
    } else Object.assign(node, leaf);
  } else if ('rename' in edit) {
    const entry = parent?.kind === 'object' ? parent.entries[index] : undefined;
    if (entry) entry[0] = edit.rename;
  } else if ('add' in edit) {
    const [key, value] = edit.add;
    const leaf = { kind: 'leaf', text: expand(value) } as const;
    if (node.kind === 'object') node.entries.push([key, leaf]);
  } else if ('repeat' in edit) {
    // A long value many times over is tens of megabytes: that would time the parser of JSON.
    const isLong = printTree(node).length > LONG_VALUE;
    const times = Array.from({ length: isLong ? Math.min(3, edit.repeat) : edit.repeat });
    if (parent?.kind === 'list') parent.items.splice(index, 1, ...times.map(() => node));
    else if (parent?.kind === 'object') {
      const [key = ''] = parent.entries[index] ?? [];
      parent.entries.push(...times.map((_, i): [string, JsonNode] => [`${key}${i}`, node]));
    }
  } else if (parent?.kind === 'list') parent.items.splice(index, 1);
  else if (parent?.kind === 'object') parent.entries.splice(index, 1);
}

function expand(value: string): string {
  return MACROS.get(value)?.() ?? value;
}

function editText(text: string, edit: Edit): string {
  if ('keep' in edit) return text.slice(0, Math.floor((text.length * edit.keep) / 1000));
  if ('before' in edit) return edit.before + text;
  if (!('flip' in edit)) return text;
  const at = Math.floor((text.length * edit.flip) / 1000);
  const flipped = String.fromCharCode(text.charCodeAt(at) ^ (1 << edit.bit));
  return text.slice(0, at) + flipped + text.slice(at + 1);
}

function headed(text: string, dataBytes: number, edits: readonly Edit[]): HeadedFile {
  const { head, size: whole } = headedFile(text, dataBytes);
  let size = whole;
  for (const edit of edits) {
    if ('headerLength' in edit) {
      new DataView(head.buffer).setBigUint64(0, BigInt(edit.headerLength), true);
    }
    if ('longer' in edit) size = Math.max(0, size + edit.longer);
  }
  return { head, size };
}
