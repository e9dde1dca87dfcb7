/**
 * @file The fast decoder that the catalogue names for the chosen model: a tick in the place of an address. The address
 * field under Advanced stays what is read; the ticks fill it in and show what it says.
 */
import type { ModelEntry } from '../index.ts';
import { element, input, select } from './elements.ts';
import { licenceLink } from './licence.ts';
import { verifiedText } from './model-cards.ts';

const address = (): HTMLInputElement => input('fast-decoder');

/** Whether the entry names this fast decoder. */
export function isOwnDecoder(entry: ModelEntry | undefined, address: string | undefined): boolean {
  return address !== undefined && entry?.fastDecoder?.source === address;
}

export class FastDecoderOffer {
  #entry: ModelEntry | undefined;

  /** @param onChange Another decoder, or none any more. */
  constructor(onChange: () => void) {
    input('use-fast-decoder').addEventListener('change', ({ target }) => {
      const isWanted = target instanceof HTMLInputElement && target.checked;
      setAddress(isWanted ? (this.#entry?.fastDecoder?.source ?? '') : '');
      this.show(this.#entry);
      onChange();
    });
    input('decode-fast').addEventListener('change', ({ target }) => {
      const isWanted = target instanceof HTMLInputElement && target.checked;
      select('decode').value = isWanted ? 'fast' : '';
      // As if it had been chosen there: the plan follows.
      select('decode').dispatchEvent(new Event('input', { bubbles: true }));
    });
    select('decode').addEventListener('input', () => this.show(this.#entry));
  }

  /** For the model that is chosen now. */
  show(entry: ModelEntry | undefined): void {
    const before = this.#entry?.fastDecoder?.source;
    const offered = entry?.fastDecoder;
    // What was ticked for another model is nothing for this one.
    if (before !== undefined && before !== offered?.source && address().value.trim() === before) {
      setAddress('');
    }
    this.#entry = entry;
    element('fast-decoder-offer', HTMLElement).hidden = offered === undefined;
    if (!offered) return;
    const isUsed = isOwnDecoder(entry, address().value.trim());
    input('use-fast-decoder').checked = isUsed;
    element('decode-fast-label', HTMLElement).hidden = !isUsed;
    input('decode-fast').checked = select('decode').value === 'fast';
    element('fast-decoder-offer-help', HTMLElement).replaceChildren(
      `A TAEHV, fetched from ${new URL(offered.source).host} once Generate is pressed; the plan counts the most that it may take. `,
      `${verifiedText(offered)} Licence: `,
      ...licenceLink(offered.licence),
      '.',
    );
  }
}

function setAddress(value: string): void {
  address().value = value;
  if (value === '') select('decode').value = '';
}
