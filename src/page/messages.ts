/** @file Errors, with what to do about them, and notices. */
import { describeUnknown } from '../describe-unknown.ts';
import { ZoetropeError } from '../errors.ts';
import { formatBytes } from '../format-bytes.ts';
import type { Notice } from '../pipeline/api.ts';
import { bringIntoView } from './bring-into-view.ts';
import { create, element } from './elements.ts';
import { changeOfCause, type ErrorOwner, namedField } from './error-cause.ts';
import { type Fix, suggestedFix } from './fixes.ts';

const panel = (): HTMLElement => element('error', HTMLElement);

interface ShownError {
  readonly owner: ErrorOwner;
  readonly hasCauseChanged: () => boolean;
}

let shown: ShownError | undefined;
let isListening = false;

export interface ErrorActions {
  applyFix(fix: Fix): void;
  trySmaller(): void;
}

/** Shows it until its owner takes it back, or the field that it is about is changed. */
export function showError(error: unknown, actions: ErrorActions, owner: ErrorOwner = 'run'): void {
  const children: Node[] = [create('p', {}, create('strong', {}, describeUnknown(error)))];
  if (error instanceof ZoetropeError) {
    if (error.hint !== '') children.push(create('p', {}, error.hint));
    children.push(create('p', {}, create('code', {}, error.code)));
  }
  const action = actionFor(error, actions);
  if (action) children.push(create('div', { className: 'actions' }, action));
  panel().replaceChildren(...children);
  panel().hidden = false;
  requestAnimationFrame(() => bringIntoView('error', 'error'));
  if (error instanceof ZoetropeError && error.code === 'storage-full') {
    const last = panel().lastElementChild;
    void import('./full-storage-actions.ts').then(({ fullStorageActions }) =>
      last?.after(...fullStorageActions(error.hint)),
    );
  }
  unmarkFields();
  namedField(error)?.setAttribute('aria-invalid', 'true');
  shown = { owner, hasCauseChanged: changeOfCause(error, owner) };
  listen();
}

/** @param owners Whose error is cleared. None given: any owner's. */
export function clearError(...owners: readonly ErrorOwner[]): void {
  if (owners.length > 0 && !(shown && owners.includes(shown.owner))) return;
  shown = undefined;
  panel().hidden = true;
  panel().replaceChildren();
  unmarkFields();
}

/** Buttons fill fields too, after which no event tells of it: these see both. */
function listen(): void {
  if (isListening) return;
  isListening = true;
  for (const type of ['input', 'change', 'click']) document.addEventListener(type, check);
}

function check(): void {
  if (shown?.hasCauseChanged() === true) clearError();
}

function unmarkFields(): void {
  for (const field of document.querySelectorAll('[aria-invalid]')) {
    field.removeAttribute('aria-invalid');
  }
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

export function showNotices(notices: readonly Pick<Notice, 'message'>[]): void {
  const items = notices.map(({ message }) => create('p', {}, message));
  element('notices', HTMLElement).replaceChildren(...items);
}
