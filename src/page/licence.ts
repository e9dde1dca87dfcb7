/** @file Under which licence a model comes: shown with the model, and again beside the button that fetches it. */
import type { Licence, ModelEntry } from '../index.ts';
import { create, element } from './elements.ts';
import type { ModelChoice } from './model-choice.ts';

function link(text: string, url: string): HTMLAnchorElement {
  const made = create('a', {}, text);
  made.href = url;
  made.rel = 'noreferrer';
  made.target = '_blank';
  return made;
}

export function licenceLink({ name, url, note }: Licence): (Node | string)[] {
  return [link(name, url), ...(note === undefined ? [] : [` (${note})`])];
}

/** The model's, and those of the parts that are fetched with it. @param fastDecoder Whether its own is among them. */
export function licenceLinks(
  { licence, extras, fastDecoder: own }: ModelEntry,
  fastDecoder = false,
): (Node | string)[] {
  const all = [...extras, ...(fastDecoder && own ? [own] : [])];
  const parts = all.flatMap(({ what, licence: its }) => [`; ${what}: `, ...licenceLink(its)]);
  return ['Licence: ', ...licenceLink(licence), ...parts, '.'];
}

/** Beside the button, for whatever is chosen. */
export function showLicence(reference: ModelChoice | undefined, fastDecoder: boolean): void {
  const line = element('licence', HTMLElement);
  line.hidden = reference === undefined;
  if (!reference) return;
  const { entry, page } = reference;
  if (entry) line.replaceChildren(...licenceLinks(entry, fastDecoder));
  else if (page === undefined) line.textContent = 'Licence: as whoever published it says.';
  else
    line.replaceChildren('Licence: see ', link('the model’s page', page), ' before you fetch it.');
}
