/**
 * @file Reads a sentence that is made of one text of each list in turn. The lists are a model's own and may be anything: a
 * regular expression of them could try every combination, this tries each text at each place once.
 */

export interface SentencePart<Name extends string = string> {
  /** Under which its text is returned; absent: it is not. */
  readonly name?: Name;
  readonly texts: readonly string[];
  readonly before?: string;
  readonly after?: string;
  readonly isOptional?: boolean;
  /** How many of the next parts are left out with this one. */
  readonly leavesOut?: number;
}

/**
 * The texts, by their parts' names; the first that there are in the order of the lists, as a regular expression would find
 * them. What is left out is absent. Undefined if the parts do not make the sentence.
 * @param sentence In lower case.
 */
export function readParts<Name extends string>(
  sentence: string,
  parts: readonly SentencePart<Name>[],
): Partial<Record<Name, string>> | undefined {
  const lowered = parts.map(({ texts, before = '', after = '' }) =>
    texts.map((text) => before + text.toLowerCase() + after),
  );
  /** Places from which the rest of the parts is known not to fit: the part's index, then the character's. */
  const dead = parts.map(() => new Set<number>());
  const read = (index: number, at: number): Partial<Record<Name, string>> | undefined => {
    const part = parts[index];
    if (!part) return at === sentence.length ? {} : undefined;
    if (dead[index]?.has(at)) return undefined;
    for (const [i, text] of (lowered[index] ?? []).entries()) {
      if (!sentence.startsWith(text, at)) continue;
      const rest = read(index + 1, at + text.length);
      if (rest) return named(part, i, rest);
    }
    const rest = part.isOptional ? read(index + 1 + (part.leavesOut ?? 0), at) : undefined;
    if (!rest) dead[index]?.add(at);
    return rest;
  };
  return read(0, 0);
}

function named<Name extends string>(
  { name, texts }: SentencePart<Name>,
  index: number,
  rest: Partial<Record<Name, string>>,
): Partial<Record<Name, string>> {
  const text = texts[index];
  return name === undefined || text === undefined ? rest : { ...rest, [name]: text };
}
