/** @file What WanPipeline makes of prompts as people paste them (`models/parity/prompts.py`). For tests in Node. */
import { readFileSync } from 'node:fs';

export interface PastedPrompt {
  readonly prompt: string;
  /** After `prompt_clean`, with ftfy. */
  readonly cleaned: string;
  /** Tokens of the cleaned text, by the bundled model's tokenizer. */
  readonly ids: readonly number[];
}

const FILE = new URL('../../models/parity/fixtures/prompt-cases.json', import.meta.url);

/** Read here, because Vite's parser refuses the lone surrogate that one of them has. */
export function pastedPrompts(): readonly PastedPrompt[] {
  const { cases } = JSON.parse(readFileSync(FILE, 'utf8')) as { cases: PastedPrompt[] };
  return cases;
}
