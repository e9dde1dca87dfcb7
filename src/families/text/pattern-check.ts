/**
 * @file The regular expressions of a `tokenizer.json`, looked at before any of them runs. JavaScript tries all ways in which
 * an expression can match: one repetition inside another, such as `(a+)+`, has exponentially many, and nothing but the end of
 * its worker stops it. No published tokenizer has such a pattern.
 */
import { isRecord } from '../../config/fields.ts';

/** The longest published one, of GPT-4o, has some 400. */
const LONGEST_PATTERN = 4096;

/** Published tokenizers have five at the most. */
const MOST_PATTERNS = 64;

/** Values in all steps: published tokenizers have a hundred. The library takes time with the square of some lists. */
const MOST_PARTS = 2000;

/** Deeper nesting is no tokenizer's: a sequence of sequences has four levels. */
const DEEPEST = 64;

/** @returns What is wrong with a part of a `tokenizer.json`; undefined if nothing is. */
export function faultOfPatterns(...steps: readonly unknown[]): string | undefined {
  let count = 0;
  let parts = 0;
  let level: readonly unknown[] = steps;
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > DEEPEST) return 'is nested too deeply';
    parts += level.length;
    if (parts > MOST_PARTS) return 'has too many steps';
    const next: unknown[] = [];
    for (const value of level) {
      if (isRecord(value) && Object.hasOwn(value, 'Regex')) {
        const fault = ++count > MOST_PATTERNS ? 'has too many patterns' : faultOf(value['Regex']);
        if (fault !== undefined) return fault;
      }
      if (typeof value === 'object' && value !== null) {
        for (const each of Object.values(value)) next.push(each);
      }
    }
    level = next;
  }
  return undefined;
}

function faultOf(pattern: unknown): string | undefined {
  if (typeof pattern !== 'string') return 'has a pattern that is not text';
  if (pattern.length > LONGEST_PATTERN) return `has a pattern of ${pattern.length} characters`;
  if (!repeatsRepetition(pattern)) return undefined;
  return `has a pattern with a repetition inside a repetition, ${shorten(pattern)}, which may never end`;
}

function shorten(pattern: string): string {
  return pattern.length <= 60 ? pattern : `${pattern.slice(0, 60)}…`;
}

/** More repeats than these are as good as without end. */
const MANY = 64;

/** A group while it is read. */
interface Group {
  /** Whether something in it is repeated without end. */
  repeats: boolean;
}

/**
 * Whether a part that is repeated without end has in it a part that is repeated without end. What follows a repetition and
 * tells one round from the next, as in `(?:a+b)*`, is not looked for: such a pattern is refused, too.
 */
export function repeatsRepetition(pattern: string): boolean {
  // Oniguruma, for which these patterns are written, lets classes stand in classes; JavaScript does not.
  return scan(pattern, true) || scan(pattern, false);
}

function scan(pattern: string, classesNest: boolean): boolean {
  const open: Group[] = [{ repeats: false }];
  let at = 0;
  while (at < pattern.length) {
    const character = pattern[at] ?? '';
    /** Whether what was just read repeats within itself. */
    let inner = false;
    if (character === '(') {
      open.push({ repeats: false });
      at++;
      // `(?:`, `(?<name>`, `(?i:`: none of it can be repeated.
      if (pattern[at] === '?') at++;
      continue;
    }
    if (character === '\\') at = afterEscape(pattern, at);
    else if (character === '[') at = afterClass(pattern, at, classesNest);
    else if (character === ')') {
      inner = open.length > 1 ? (open.pop()?.repeats ?? false) : false;
      at++;
    } else at++;
    const quantifier = /^(?:[*+]|\{(\d*)(,?)(\d*)\})[?+]?/.exec(pattern.slice(at, at + 24));
    const group = open.at(-1);
    if (!group) continue;
    if (!quantifier) {
      group.repeats ||= inner;
      continue;
    }
    at += quantifier[0].length;
    const [, least = '', comma, most = ''] = quantifier;
    const isCounted = comma !== undefined;
    const isEndless = !isCounted || (comma === ',' && most === '') || Number(most || least) > MANY;
    if (isEndless && inner) return true;
    group.repeats ||= inner || isEndless;
  }
  return false;
}

/** Where an escape ends: `\n`, `\p{L}`, `\x{1F600}`. */
function afterEscape(pattern: string, at: number): number {
  const braces = /^\\[pPxu]\{[^}]*\}/.exec(pattern.slice(at, at + 64));
  return at + (braces ? braces[0].length : 2);
}

/** Where a class ends. */
function afterClass(pattern: string, at: number, classesNest: boolean): number {
  let depth = 0;
  for (let i = at; i < pattern.length; i++) {
    const character = pattern[i];
    if (character === '\\') i++;
    else if (character === '[' && (classesNest || depth === 0)) depth++;
    else if (character === ']' && --depth === 0) return i + 1;
  }
  return pattern.length;
}
