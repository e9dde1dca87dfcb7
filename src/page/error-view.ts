/** @file What the panel of an error says and offers. Loaded with the first error. */
import { describeUnknown } from '../describe-unknown.ts';
import { ZoetropeError } from '../errors.ts';
import { formatBytes } from '../format-bytes.ts';
import { create } from './elements.ts';
import { changeOfCause, type ErrorOwner, namedField } from './error-cause.ts';
import { type Fix, suggestedFix } from './fixes.ts';
import { fullStorageActions } from './full-storage-actions.ts';
import type { ErrorActions } from './messages.ts';

/** @returns Whether a field that may be the cause has changed since. */
export function fillError(
  panel: HTMLElement,
  error: unknown,
  actions: ErrorActions,
  owner: ErrorOwner,
): () => boolean {
  // A field that holds “1e” has no number to name.
  const said = describeUnknown(error).replace(
    /^(\w+): NaN (?:pixels |frames )?/,
    '$1: what is in the field ',
  );
  const children: Node[] = [create('p', {}, create('strong', {}, said))];
  if (error instanceof ZoetropeError) {
    if (error.hint !== '') children.push(create('p', {}, error.hint));
    children.push(create('p', {}, create('code', {}, error.code)));
  }
  const action = actionFor(error, actions);
  if (action) children.push(create('div', { className: 'actions' }, action));
  if (error instanceof ZoetropeError && error.code === 'storage-full') {
    children.push(...fullStorageActions(error.hint));
  }
  panel.replaceChildren(...children);
  namedField(error)?.setAttribute('aria-invalid', 'true');
  return changeOfCause(error, owner);
}

function actionFor(error: unknown, actions: ErrorActions): HTMLButtonElement | undefined {
  const fix = suggestedFix(error);
  if (fix) return actionButton(`Use ${fixText(fix)}`, () => actions.applyFix(fix));
  // Where a smaller clip would take as much, the hint proposes none.
  if (
    error instanceof ZoetropeError &&
    error.code === 'out-of-memory' &&
    error.hint.includes('smaller')
  ) {
    return actionButton('Try a smaller clip', () => actions.trySmaller());
  }
  return undefined;
}

function fixText({ option, value }: Fix): string {
  return option.endsWith('Bytes') ? formatBytes(value) : String(value);
}

function actionButton(label: string, act: () => void): HTMLButtonElement {
  const made = create('button', { type: 'button' }, label);
  made.addEventListener('click', act);
  return made;
}
