/**
 * @file Help with the prompt, for a model that says what it was taught: samples, the builder, and a line that names words
 * that it was not taught. For other models there is none.
 */
import type { PromptVocabulary } from '../families/family.ts';
import { unknownWords } from '../families/text/unknown-words.ts';
import { button, create, element } from './elements.ts';
import { PromptBuilder } from './prompt-builder.ts';
import { unknownWordsLine } from './unknown-words-line.ts';

/** Milliseconds without another key: a word that is being written is not judged yet. */
const PATIENCE = 600;

export class PromptAids {
  readonly #prompt = element('prompt', HTMLTextAreaElement);
  readonly #builder: PromptBuilder;
  #shown = '';
  #words: ReadonlySet<string> | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor() {
    this.#builder = new PromptBuilder((sentence, isDrawn) => {
      this.#prompt.value = sentence;
      this.#judge();
      // The choices speak for themselves; the dice do not.
      element('drawn', HTMLElement).textContent = isDrawn ? sentence : '';
    });
    this.#prompt.addEventListener('input', () => {
      this.#builder.follow(this.#prompt.value);
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.#judge(), PATIENCE);
    });
  }

  /** @param prompts Of the chosen model; undefined: it has none, or is not known yet. */
  show(prompts: PromptVocabulary | undefined): void {
    // The same again would close a list that is open, and take the focus from a sample.
    const key = JSON.stringify(prompts) ?? '';
    if (key === this.#shown) return;
    this.#shown = key;
    this.#words = prompts && new Set(prompts.words);
    element('prompt-builder', HTMLElement).hidden = !prompts;
    const samples = element('samples', HTMLElement);
    samples.hidden = !prompts;
    samples.replaceChildren(...(prompts?.samples ?? []).map((sample) => this.#chip(sample)));
    if (prompts) {
      this.#builder.offer(prompts.builder);
      this.#builder.follow(this.#prompt.value);
    }
    this.#judge();
  }

  #chip(sample: string): HTMLButtonElement {
    const chip = create('button', { type: 'button' }, sample);
    chip.addEventListener('click', () => {
      this.#prompt.value = sample;
      this.#builder.follow(sample);
      this.#judge();
      button('generate').focus();
    });
    return chip;
  }

  #judge(): void {
    clearTimeout(this.#timer);
    const unknown = this.#words ? unknownWords(this.#prompt.value, this.#words) : [];
    const line = element('prompt-words', HTMLElement);
    const text = unknownWordsLine(unknown);
    // What has not changed is not announced again.
    if (line.textContent !== text) line.textContent = text;
  }
}
