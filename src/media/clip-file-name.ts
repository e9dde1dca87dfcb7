/** @file File names that tell clips apart. */
import type { GenerationParameters } from './clip.ts';

/** Characters of the prompt; in UTF-8 they and the rest of the name stay below the 255 bytes of common file systems. */
const LONGEST_PROMPT = 48;

/**
 * The prompt's letters and digits in lower case, without accents, and the seed:
 * `a-red-circle-moves-right-seed-7.mp4`. A prompt without any gives `clip-seed-7.mp4`.
 *
 * @param extension Without the dot.
 */
export function clipFileName(
  { prompt, seed }: Pick<GenerationParameters, 'prompt' | 'seed'>,
  extension: string,
): string {
  const words = prompt
    .normalize('NFKD')
    .replace(/(?<=[a-z])\p{M}+/giu, '')
    .normalize('NFC')
    .toLowerCase()
    .split(/[^\p{L}\p{M}\p{N}]+/u)
    .filter((word) => word !== '');
  return `${fit(words) || 'clip'}-seed-${seed}.${extension}`;
}

/** As many whole words as there is room for, or the beginning of the first. */
function fit(words: readonly string[]): string {
  let name = Array.from(words[0] ?? '')
    .slice(0, LONGEST_PROMPT)
    .join('');
  for (const word of words.slice(1)) {
    const longer = `${name}-${word}`;
    if (Array.from(longer).length > LONGEST_PROMPT) break;
    name = longer;
  }
  return name;
}
