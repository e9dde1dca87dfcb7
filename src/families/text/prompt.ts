/** @file The cleaning of a prompt before the tokenizer, as diffusers' `WanPipeline` has it (`prompt_clean`). */
import { fixText } from './fix-text.ts';
import { unescapeHtml } from './html-entities.ts';

/**
 * What Python takes for white space in `str.strip` and `\s`: Unicode's, and four separators among the control characters.
 * JavaScript's own `\s` differs.
 */
// oxlint-disable-next-line no-control-regex
const WHITESPACE = /[\p{White_Space}\x1c-\x1f]+/gu;

/**
 * Repairs what pasting does to text, unescapes HTML entities twice, makes every run of white space one space, and strips
 * the ends.
 *
 * That is `prompt_clean` where Python's `ftfy` is installed, as diffusers recommends for Wan. See {@link fixText}.
 */
export function cleanPrompt(prompt: string): string {
  return unescapeHtml(unescapeHtml(fixText(prompt)))
    .replace(WHITESPACE, ' ')
    .replace(/^ | $/g, '');
}
