/**
 * @file A sentence put together from a model's vocabulary, one choice a part. It says what the prompt says: a prompt that
 * it cannot say leaves its choices open.
 */
import type { PromptLists } from '../families/family.ts';
import {
  articleFor,
  changeChoice,
  completeChoice,
  type PromptChoice,
  promptSentence,
  readSentence,
} from '../families/text/prompt-sentence.ts';
import { button, element, select } from './elements.ts';

/** Which list a part's texts are of; the part's select is `#build-<part>`. */
const LISTS: Readonly<Record<keyof PromptChoice, Exclude<keyof PromptLists, 'pairMotions'>>> = {
  colour: 'colours',
  subject: 'subjects',
  motion: 'motions',
  relation: 'relations',
  otherColour: 'colours',
  otherSubject: 'subjects',
  ground: 'grounds',
  camera: 'cameras',
};

const PARTS = Object.keys(LISTS) as (keyof PromptChoice)[];

/** What a sentence can do without. */
const OPTIONAL: readonly (keyof PromptChoice)[] = ['relation', 'ground', 'camera'];

const fieldOf = (part: keyof PromptChoice): HTMLSelectElement => select(`build-${part}`);

export class PromptBuilder {
  readonly #onSentence: (sentence: string, isDrawn: boolean) => void;
  #lists: PromptLists | undefined;

  /** @param onSentence A new sentence; `isDrawn`: by the dice. */
  constructor(onSentence: (sentence: string, isDrawn: boolean) => void) {
    this.#onSentence = onSentence;
    for (const part of PARTS) {
      const field = fieldOf(part);
      field.addEventListener('change', () => this.#change(part, field.value));
    }
    button('roll').addEventListener('click', () => this.#tell({}, true));
  }

  /** Offers these texts. */
  offer(lists: PromptLists): void {
    this.#lists = lists;
    for (const part of PARTS) {
      const field = fieldOf(part);
      // The first option stands for none, in the page's words.
      field.replaceChildren(
        ...[...field.options].slice(0, 1),
        ...lists[LISTS[part]].map((text) => new Option(text)),
      );
    }
    for (const part of OPTIONAL) {
      fieldOf(part).hidden = lists[LISTS[part]].length === 0;
    }
    this.#show(undefined);
  }

  /** Chooses what `prompt` says. */
  follow(prompt: string): void {
    if (this.#lists) this.#show(readSentence(this.#lists, prompt));
  }

  #change(part: keyof PromptChoice, text: string): void {
    if (!this.#lists) return;
    const shown = Object.fromEntries(PARTS.map((each) => [each, fieldOf(each).value]));
    this.#tell(changeChoice(this.#lists, shown, part, text), false);
  }

  #tell(given: Partial<PromptChoice>, isDrawn: boolean): void {
    if (!this.#lists) return;
    const choice = completeChoice(this.#lists, given);
    this.#show(choice);
    this.#onSentence(promptSentence(choice), isDrawn);
  }

  #show(choice: PromptChoice | undefined): void {
    for (const part of PARTS) {
      const field = fieldOf(part);
      field.value = choice?.[part] ?? '';
      // What a sentence needs is open only until it is chosen.
      const open = field.options[0];
      if (open) open.hidden = open.disabled = field.value !== '' && !OPTIONAL.includes(part);
    }
    element('build-other', HTMLElement).hidden = (choice?.relation ?? '') === '';
    showColour('build-article', fieldOf('colour'));
    showColour('build-other-article', fieldOf('otherColour'));
  }
}

/** The article before a colour, and a swatch of it: colours have CSS's names. One that has not shows no colour. */
function showColour(article: string, { value, parentElement }: HTMLSelectElement): void {
  element(article, HTMLElement).textContent = articleFor(value);
  parentElement?.style.setProperty('--swatch', CSS.supports('color', value) ? value : null);
}
