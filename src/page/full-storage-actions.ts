/** @file The ways on from `storage-full`, as buttons below the error. */
import { create, element, input } from './elements.ts';

/** @param hint The error's: it proposes only what can help. @returns Nothing if there is nothing to press. */
export function fullStorageActions(hint: string): HTMLElement[] {
  const actions = create('div', { className: 'actions' });
  if (hint.includes('without keeping')) actions.append(action('Load without keeping it', unkept));
  if (hint.toLowerCase().includes('delete'))
    actions.append(action('Show stored models', showModels));
  return actions.hasChildNodes() ? [actions] : [];
}

function action(label: string, act: () => void): HTMLElement {
  const made = create('button', { type: 'button' }, label);
  made.addEventListener('click', act);
  return made;
}

function unkept(): void {
  // A click tells the plan, as the user's own would.
  if (input('storage').checked) input('storage').click();
  element('form', HTMLFormElement).requestSubmit();
}

function showModels(): void {
  const title = element('stored-title', HTMLElement);
  title.scrollIntoView({ block: 'start' });
  title.focus({ preventScroll: true });
}
