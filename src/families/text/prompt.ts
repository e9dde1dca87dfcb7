/** @file The cleaning of a prompt before the tokenizer, as diffusers' `WanPipeline` has it (`prompt_clean`). */
import { invalidArgument } from '../../errors.ts';
import { unescapeHtml } from './html-entities.ts';

/**
 * What Python takes for white space in `str.strip` and `\s`: Unicode's, and four separators among the control characters.
 * JavaScript's own `\s` differs.
 */
// oxlint-disable-next-line no-control-regex
const WHITESPACE = /[\p{White_Space}\x1c-\x1f]+/gu;

/**
 * Unescapes HTML entities twice, makes every run of white space one space, and strips the ends.
 *
 * That is `prompt_clean` where Python's `ftfy` is not installed. With it, diffusers also repairs text decoded with the
 * wrong character set, straightens curly quotes, and replaces ligatures and full-width letters: prompts with none of
 * these are cleaned equally. See {@link unescapeHtml} for the named entities that are known.
 */
export function cleanPrompt(prompt: string): string {
  return unescapeHtml(unescapeHtml(prompt)).replace(WHITESPACE, ' ').replace(/^ | $/g, '');
}

/**
 * {@link cleanPrompt}, for a prompt that has to say something.
 *
 * @throws ZoetropeError `invalid-argument` when nothing is left of it.
 */
export function requirePrompt(prompt: string): string {
  const cleaned = typeof prompt === 'string' ? cleanPrompt(prompt) : '';
  if (cleaned !== '') return cleaned;
  throw invalidArgument('prompt', 'it is empty.', 'Describe what the video should show.');
}
