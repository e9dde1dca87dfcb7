/** @file Prompts to begin with, in the vocabulary of the bundled model. */
import { button, create, element } from './elements.ts';

const SAMPLES = [
  'a red circle moves right',
  'a yellow circle falls at sunset',
  'a purple ball rises over a meadow',
  'a pink heart moves left on navy',
];

export function setUpSamples(): void {
  const prompt = element('prompt', HTMLTextAreaElement);
  const chips = SAMPLES.map((sample) => {
    const chip = create('button', { type: 'button' }, sample);
    chip.addEventListener('click', () => {
      prompt.value = sample;
      button('generate').focus();
    });
    return chip;
  });
  element('samples', HTMLElement).append(...chips);
}
