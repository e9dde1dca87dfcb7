/** @file Which words of a prompt a model was never shown: it cannot know what they mean. */

/** Letters and digits, with apostrophes between them; or one pictograph. */
const WORDS = /[\p{L}\p{M}\p{N}]+(?:['’][\p{L}\p{M}\p{N}]+)*|\p{Extended_Pictographic}/gu;

/**
 * Words of `prompt` that are not among `words` (in lower case, as `PromptVocabulary` has them), each once, in order, in
 * lower case. Case, punctuation and Unicode's compatibility forms make no difference, as to tokenizers of the T5 kind.
 */
export function unknownWords(prompt: string, words: ReadonlySet<string>): string[] {
  const found = prompt.normalize('NFKC').toLowerCase().replaceAll('’', "'").match(WORDS) ?? [];
  return [...new Set(found.filter((word) => !words.has(word)))];
}
